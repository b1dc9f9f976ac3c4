/** One schema's compiler: its queries in their order, one thread for as long as that is sound, each query within its time. */
import type { Clock } from '@postern/pool';
import { AccelerateError } from '../accelerate/accelerate-error.ts';
import type { CompileKind, CompilerAnswer, CompilerSubject, CompilerThread, StartCompiler } from './compiler-thread.ts';
import type { Gate } from './gate.ts';
import { QueryRefusal, SchemaRefusal } from './refusal.ts';

export interface QueryCompiler {
  /** JSON of the plan. Rejects with QueryRefusal, SchemaRefusal or AccelerateError. */
  compile(kind: CompileKind, query: string): Promise<string>;
  /** Ends the thread, at once or behind the query it works on. What was asked before is still answered. */
  close(): void;
}

export interface QueryCompilerOptions {
  readonly subject: CompilerSubject;
  readonly start: StartCompiler;
  /** Compilers that work at the same time. */
  readonly gate: Gate;
  readonly clock: Clock;
  /** Longest time for one query, and for reading the schema if it is the first. */
  readonly timeoutMs: number;
  /** A thread that holds more is replaced: a compiler's memory grows and never shrinks. */
  readonly maxIdleBytes: number;
}

interface Job {
  readonly kind: CompileKind;
  readonly query: string;
  readonly resolve: (plan: string) => void;
  readonly reject: (error: unknown) => void;
}

type Answer = CompilerAnswer | { readonly outcome: 'late' };

export function createQueryCompiler(options: QueryCompilerOptions): QueryCompiler {
  const { subject, start, gate, clock, timeoutMs, maxIdleBytes } = options;
  const jobs: Job[] = [];
  let state: 'resting' | 'working' | 'leaving' = 'resting';
  let thread: CompilerThread | undefined;
  /** The schema is the same for ever, and so is what is wrong with it. */
  let refusal: SchemaRefusal | undefined;

  function endThread(): void {
    thread?.end();
    thread = undefined;
  }

  /** The state changes while `work` waits. */
  const isLeaving = (): boolean => state === 'leaving';

  async function work(): Promise<void> {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const leave = await gate.enter();
      settle(job, refusal === undefined ? await answer(job) : refusal);
      // Others have its place: what it still has to do must not keep a thread while it waits for its turn.
      if (isLeaving()) endThread();
      leave();
    }
    if (!isLeaving()) state = 'resting';
  }

  function answer({ kind, query }: Job): Promise<Answer> {
    thread ??= start(subject);
    const asked = thread;
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve({ outcome: 'late' }));
      void asked.compile(kind, query).then((given) => {
        timer.cancel();
        resolve(given);
      });
    });
  }

  function settle(job: Job, given: Answer | SchemaRefusal): void {
    if (given instanceof SchemaRefusal) {
      job.reject(given);
      return;
    }
    switch (given.outcome) {
      case 'compiled':
        job.resolve(given.plan);
        if (given.memoryBytes > maxIdleBytes) endThread();
        break;
      case 'query-refused':
        job.reject(new QueryRefusal(given.message, given.code, given.meta));
        if (given.memoryBytes > maxIdleBytes) endThread();
        break;
      case 'schema-refused':
        refusal = new SchemaRefusal(given.message, given.code);
        job.reject(refusal);
        endThread();
        break;
      case 'broken':
        job.reject(compilerFailed(given.reason));
        endThread();
        break;
      case 'late':
        job.reject(compilerLate(timeoutMs));
        endThread();
    }
  }

  return {
    compile(kind, query) {
      return new Promise((resolve, reject) => {
        jobs.push({ kind, query, resolve, reject });
        if (state !== 'resting') return;
        state = 'working';
        void work();
      });
    },
    close() {
      if (state === 'resting') endThread();
      else state = 'leaving';
    },
  };
}

/** What exactly it says about itself is for the operator. */
function compilerFailed(detail: string): AccelerateError {
  return new AccelerateError('P6000', 'The query compiler failed on this query, or on its schema.', { detail });
}

function compilerLate(timeoutMs: number): AccelerateError {
  return new AccelerateError('P6004', `The query took longer than ${timeoutMs / 1000} s to compile, and was given up.`);
}
