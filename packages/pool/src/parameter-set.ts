/** The ParameterStatus values a server reported, as immutable interned sets: equal sets are the same object. */

export interface ParameterSet {
  readonly values: ReadonlyMap<string, string>;
}

export interface ParameterSets {
  /** The one set with these values. */
  intern(values: ReadonlyMap<string, string>): ParameterSet;
}

/** `maxSets` bounds what is remembered; beyond it equal sets may be different objects, which only costs a comparison. */
export function createParameterSets(maxSets = 1_000): ParameterSets {
  const sets = new Map<string, ParameterSet>();
  return {
    intern(values) {
      const key = JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
      let set = sets.get(key);
      if (set === undefined) {
        if (sets.size >= maxSets) sets.clear();
        set = { values: new Map(values) };
        sets.set(key, set);
      }
      return set;
    },
  };
}

/** Reported by a standby. It becomes a primary without a word on connections that are idle. */
export function isOfStandby(parameters: ParameterSet): boolean {
  return parameters.values.get('in_hot_standby') === 'on';
}

/** What changes for somebody who was told `before` and shall know `after`. */
export function changedParameters(before: ParameterSet, after: ParameterSet): [name: string, value: string][] {
  const changes: [string, string][] = [];
  for (const [name, value] of after.values) {
    if (before.values.get(name) !== value) changes.push([name, value]);
  }
  return changes;
}
