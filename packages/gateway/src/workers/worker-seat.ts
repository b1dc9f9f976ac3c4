/** A worker's place among others that serve the same ports: what it asks of them, through the primary, and does for them. */
import type { Clock, PermitHolder, PermitSource } from '@postern/pool';
import type { GatewayStats } from '../gateway-stats.ts';
import { createAsking } from './asking.ts';
import type { Answered, PrimaryQuestion, ToPrimary, ToWorker, WorkerQuestion } from './messages.ts';

export interface WorkerSeat {
  /** 1 to 127, nobody else's. In cancel keys and tokens, so that others know whose they are. */
  readonly number: number;
  /** How many there are: limits of the whole are divided by it. */
  readonly count: number;
  /** The same for all: an identity has one name. */
  readonly identityKey: Uint8Array;
  readonly permits: PermitSource;
  /** Resolves when whoever has the session has dealt with the cancel; false: nobody has. */
  cancelElsewhere(processId: number, secretKey: Uint8Array): Promise<boolean>;
  isAcceptedElsewhere(identity: string): Promise<boolean>;
  accepted(identity: string): void;
  forget(identity: string): void;
  /** Takes one request's token of a key's rate: 0, or the milliseconds until there is one. */
  takeRate(key: string, perSecond: number): Promise<number>;
  /** Resolves when all others have forgotten the results. */
  invalidateElsewhere(scope: string, tags: readonly string[] | 'all'): Promise<void>;
  /** What this worker does when others ask. */
  serve(duties: WorkerDuties): void;
}

export interface WorkerDuties {
  cancel(processId: number, secretKey: Uint8Array): Promise<boolean>;
  forget(identity: string): void;
  invalidate(scope: string, tags: readonly string[] | 'all'): void;
  stats(): GatewayStats;
}

export interface WorkerSeatOptions {
  readonly number: number;
  readonly count: number;
  readonly identityKey: Uint8Array;
  readonly clock: Clock;
  send(message: ToPrimary): void;
}

/** A seat, and what brings it the primary's messages. */
export function createWorkerSeat(options: WorkerSeatOptions): WorkerSeat & { receive(message: ToWorker): void } {
  const { send } = options;
  const asking = createAsking<PrimaryQuestion>({ clock: options.clock, send });
  let holder: PermitHolder | undefined;
  let duties: WorkerDuties | undefined;

  async function answerTo(question: WorkerQuestion): Promise<Answered['answer']> {
    switch (question.about) {
      case 'cancel':
        return (await duties?.cancel(question.processId, fromHex(question.secret))) === true;
      case 'invalidate':
        duties?.invalidate(question.scope, question.tags);
        return true;
      case 'stats':
        return duties?.stats() ?? false;
    }
  }

  return {
    number: options.number,
    count: options.count,
    identityKey: options.identityKey,
    permits: {
      want: ({ key, target, size }, count) => send({ kind: 'want', key, target, size, count }),
      giveBack: (key, count) => send({ kind: 'give-back', key, count }),
      decline: (key, count) => send({ kind: 'decline', key, count }),
      serve(served) {
        holder = served;
      },
    },
    async cancelElsewhere(processId, secretKey) {
      return (await asking.ask({ about: 'cancel', processId, secret: toHex(secretKey) })) === true;
    },
    async isAcceptedElsewhere(identity) {
      return (await asking.ask({ about: 'accepted', identity })) === true;
    },
    accepted: (identity) => send({ kind: 'accepted', identity }),
    forget: (identity) => send({ kind: 'forget', identity }),
    async takeRate(key, perSecond) {
      const waitMs = await asking.ask({ about: 'rate', key, perSecond });
      // A primary that does not answer is no reason to refuse anybody.
      return typeof waitMs === 'number' ? waitMs : 0;
    },
    async invalidateElsewhere(scope, tags) {
      await asking.ask({ about: 'invalidate', scope, tags });
    },
    serve(served) {
      duties = served;
    },
    receive(message) {
      switch (message.kind) {
        case 'grant':
          holder?.granted(message.key, message.count);
          break;
        case 'recall':
          holder?.recalled(message.key, message.count, message.idleMs);
          break;
        case 'forget':
          duties?.forget(message.identity);
          break;
        case 'answer':
          asking.answered(message);
          break;
        case 'ask':
          void answerTo(message.question).then((answer) => send({ kind: 'answer', id: message.id, answer }));
      }
    },
  };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
