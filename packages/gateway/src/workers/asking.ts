/** Questions and their answers over a channel that only knows messages. */
import type { Clock, Timer } from '@postern/pool';
import type { Answered, Asked } from './messages.ts';

export interface Asking<Question> {
  /** Resolves with the answer; undefined when there is none in time, or too many are waited for. */
  ask(question: Question): Promise<Answered['answer'] | undefined>;
  answered(message: Answered): void;
  /** Nobody is left to answer. */
  end(): void;
}

export interface AskingOptions<Question> {
  readonly clock: Clock;
  readonly send: (message: Asked<Question>) => void;
  /** Longer than any question takes, a cancel included. */
  readonly timeoutMs?: number;
  readonly maxQuestions?: number;
}

export function createAsking<Question>(options: AskingOptions<Question>): Asking<Question> {
  const { clock, send, timeoutMs = 15_000, maxQuestions = 10_000 } = options;
  const open = new Map<number, { readonly timer: Timer; resolve(answer: Answered['answer'] | undefined): void }>();
  let last = 0;
  let hasEnded = false;

  function settle(id: number, answer: Answered['answer'] | undefined): void {
    const question = open.get(id);
    open.delete(id);
    question?.timer.cancel();
    question?.resolve(answer);
  }

  return {
    ask(question) {
      if (hasEnded || open.size >= maxQuestions) return Promise.resolve(undefined);
      const id = ++last;
      return new Promise((resolve) => {
        open.set(id, { resolve, timer: clock.after(timeoutMs, () => settle(id, undefined)) });
        send({ kind: 'ask', id, question });
      });
    },
    answered: ({ id, answer }) => settle(id, answer),
    end() {
      hasEnded = true;
      for (const id of [...open.keys()]) settle(id, undefined);
    },
  };
}
