/** classifySql with a memory: the same few texts come again and again. Bounded in entries and in the length of each. */
import { classifySql, type SqlTraits } from './classify.ts';

export interface ClassifierOptions {
  /** Texts remembered at most. Default 4096. */
  readonly maxEntries?: number;
  /** Longer texts (UTF-16 units) are classified anew each time: they rarely repeat. Default 8192. */
  readonly maxTextLength?: number;
}

export interface Classifier {
  /** Traits of `sql`; a frozen object that callers share. */
  classify(sql: string): SqlTraits;
}

/**
 * Forgets like an LRU, to the precision of a generation: when the younger half is full the older half is dropped and the
 * younger takes its place. No lists to maintain, and a hit costs one look-up.
 */
export function createClassifier(options: ClassifierOptions = {}): Classifier {
  const { maxEntries = 4096, maxTextLength = 8192 } = options;
  const maxGeneration = Math.max(1, maxEntries >> 1);
  let young = new Map<string, SqlTraits>();
  let old = new Map<string, SqlTraits>();
  return {
    classify(sql) {
      const known = young.get(sql);
      if (known !== undefined) return known;
      if (sql.length > maxTextLength) return classifySql(sql);
      const traits = old.get(sql) ?? classifySql(sql);
      if (young.size >= maxGeneration) {
        old = young;
        young = new Map();
      }
      young.set(sql, traits);
      return traits;
    },
  };
}
