/** The compilers of all schemas: as many as there is memory for, the least recently used one makes room. And their plans. */
import type { Clock } from '@postern/pool';
import { LRUCache } from 'lru-cache';
import { AccelerateError } from '../accelerate/accelerate-error.ts';
import type { CompileKind, StartCompiler } from './compiler-thread.ts';
import { createGate } from './gate.ts';
import { createQueryCompiler, type QueryCompiler } from './query-compiler.ts';
import type { StoredSchema } from './schema-store.ts';

export interface CompilerLimits {
  /** Schemas whose compilers are kept; each is a thread with some 10 MB, more where the schema is large. */
  readonly maxCompilers: number;
  /** Compilers that work at the same time: there are other things for the cores to do. */
  readonly maxWorking: number;
  /** Queries that wait to be compiled; each holds its text. */
  readonly maxWaiting: number;
  /** Longest time for one query. A usual one takes a millisecond, a large schema's first one a second. */
  readonly compileTimeoutMs: number;
  /** A thread that holds more than this after a query is replaced. */
  readonly maxIdleCompilerBytes: number;
  /** Memory for plans; the same query is compiled once. */
  readonly maxPlanBytes: number;
}

const defaultCompilerLimits: CompilerLimits = {
  maxCompilers: 8,
  maxWorking: 2,
  maxWaiting: 1_000,
  compileTimeoutMs: 20_000,
  maxIdleCompilerBytes: 134_217_728,
  maxPlanBytes: 16_777_216,
};

export interface QueryCompilers {
  /** JSON of the plan. Rejects with QueryRefusal, SchemaRefusal or AccelerateError. */
  compile(schema: StoredSchema, schemaName: string | undefined, kind: CompileKind, query: string): Promise<string>;
  /** For good. */
  close(): void;
}

export interface QueryCompilersOptions {
  readonly start: StartCompiler;
  readonly clock: Clock;
  readonly limits?: Partial<CompilerLimits> | undefined;
}

export function createQueryCompilers({ start, clock, limits: given }: QueryCompilersOptions): QueryCompilers {
  const limits = { ...defaultCompilerLimits, ...given };
  const gate = createGate(limits.maxWorking);
  let waiting = 0;
  const compilers = new LRUCache<string, QueryCompiler>({
    max: limits.maxCompilers,
    // What it was asked before is still answered.
    dispose: (compiler) => compiler.close(),
  });
  const plans = new LRUCache<string, string>({
    maxSize: limits.maxPlanBytes,
    maxEntrySize: Math.ceil(limits.maxPlanBytes / 16),
    // Characters take up to two bytes.
    sizeCalculation: (plan, key) => 2 * (plan.length + key.length) + 128,
  });

  function compilerOf({ id, text }: StoredSchema, schemaName: string | undefined): QueryCompiler {
    const key = JSON.stringify([id, schemaName ?? null]);
    let compiler = compilers.get(key);
    if (compiler === undefined) {
      compiler = createQueryCompiler({
        subject: { schema: text, schemaName },
        start,
        gate,
        clock,
        timeoutMs: limits.compileTimeoutMs,
        maxIdleBytes: limits.maxIdleCompilerBytes,
      });
      compilers.set(key, compiler);
    }
    return compiler;
  }

  return {
    async compile(schema, schemaName, kind, query) {
      const key = JSON.stringify([schema.id, schemaName ?? null, kind, query]);
      const known = plans.get(key);
      if (known !== undefined) return known;
      if (waiting >= limits.maxWaiting) throw tooManyWait(limits.maxWaiting);
      waiting++;
      try {
        const plan = await compilerOf(schema, schemaName).compile(kind, query);
        plans.set(key, plan);
        return plan;
      } finally {
        waiting--;
      }
    },
    close() {
      compilers.clear();
      plans.clear();
    },
  };
}

function tooManyWait(maxWaiting: number): AccelerateError {
  return new AccelerateError('P5011', `Too many requests: ${maxWaiting} queries wait to be compiled.`, {
    headers: { 'retry-after': '1' },
  });
}
