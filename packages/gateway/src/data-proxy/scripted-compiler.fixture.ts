import type { CompilerAnswer, CompilerSubject, StartCompiler } from './compiler-thread.ts';

/** A compiler thread whose answers a test decides. */
export interface ScriptedThread {
  readonly subject: CompilerSubject;
  /** What it was asked and has not answered. */
  readonly asked: readonly string[];
  readonly isEnded: boolean;
  answer(given: CompilerAnswer): Promise<void>;
}

export interface ScriptedCompiler {
  readonly start: StartCompiler;
  /** In the order of their start; those that ended too. */
  readonly threads: readonly ScriptedThread[];
}

export function createScriptedCompiler(): ScriptedCompiler {
  const threads: ScriptedThread[] = [];
  return {
    threads,
    start(subject) {
      const asked: string[] = [];
      let resolve: ((answer: CompilerAnswer) => void) | undefined;
      let isEnded = false;
      threads.push({
        subject,
        asked,
        get isEnded() {
          return isEnded;
        },
        async answer(given) {
          asked.shift();
          resolve?.(given);
          await settled();
        },
      });
      return {
        compile(_kind, query) {
          asked.push(query);
          return new Promise((done) => {
            resolve = done;
          });
        },
        end() {
          isEnded = true;
        },
      };
    },
  };
}

export function compiled(plan: string, memoryBytes = 1_000): CompilerAnswer {
  return { outcome: 'compiled', plan, memoryBytes };
}

/** Everything that can happen without time or anybody's answer has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
