/**
 * The primary's side of several workers: the budget of server connections, and what one worker wants of another. Knows no
 * process: workers join with a function that sends, and leave when they die.
 */
import { type Clock, processNumberOf } from '@postern/pool';
import type { GatewayStats } from '../gateway-stats.ts';
import { createRateLimiter } from '../plans/rate-limiter.ts';
import { createAcceptedIdentities } from './accepted-identities.ts';
import { addStats } from './add-stats.ts';
import { type Asking, createAsking } from './asking.ts';
import type { Answered, PrimaryQuestion, ToPrimary, ToWorker, WorkerQuestion } from './messages.ts';
import { createPermitBroker, type PermitBroker } from './permit-broker.ts';

export interface CoordinatorOptions {
  readonly clock: Clock;
  /** Server connections of one Postgres over all pools; 0 = as many as the pools may have. */
  readonly maxServerConnections?: number | undefined;
}

export interface Coordinator {
  /** A worker is there. Its number, 1 to 127, is nobody else's; a replacement takes the number of the dead. */
  joined(number: number, send: (message: ToWorker) => void): WorkerLine;
  /** Of all workers together. */
  stats(): Promise<GatewayStats>;
  readonly permits: Pick<PermitBroker, 'held'>;
}

export interface WorkerLine {
  receive(message: ToPrimary): void;
  /** The worker is dead. */
  left(): void;
}

interface Member {
  readonly send: (message: ToWorker) => void;
  readonly asking: Asking<WorkerQuestion>;
}

export function createCoordinator({ clock, maxServerConnections = 0 }: CoordinatorOptions): Coordinator {
  const members = new Map<number, Member>();
  const accepted = createAcceptedIdentities({ clock });
  const limiter = createRateLimiter({ clock });
  const broker = createPermitBroker({
    clock,
    maxPerTarget: maxServerConnections,
    grant: (worker, key, count) => members.get(worker)?.send({ kind: 'grant', key, count }),
    recall: (worker, key, count, idleMs) =>
      members.get(worker)?.send({ kind: 'recall', key, count, ...(idleMs === undefined ? {} : { idleMs }) }),
  });

  const others = (number: number): Member[] =>
    [...members].filter(([other]) => other !== number).map(([, member]) => member);

  /** Asks the worker that the key names, and only if that does not know it the others: direct sessions' keys name nobody. */
  async function cancel(asker: number, question: PrimaryQuestion & { about: 'cancel' }): Promise<boolean> {
    const named = processNumberOf(question.processId);
    const first = named === asker ? undefined : members.get(named);
    if ((await first?.asking.ask(question)) === true) return true;
    const rest = others(asker).filter((member) => member !== first);
    const found = await Promise.all(rest.map(({ asking }) => asking.ask(question)));
    return found.includes(true);
  }

  async function answerTo(asker: number, question: PrimaryQuestion): Promise<Answered['answer']> {
    switch (question.about) {
      case 'cancel':
        return cancel(asker, question);
      case 'invalidate':
        await Promise.all(others(asker).map(({ asking }) => asking.ask(question)));
        return true;
      case 'accepted':
        return accepted.has(question.identity);
      case 'rate':
        return limiter.take(question.key, question.perSecond);
    }
  }

  function receive(number: number, member: Member, message: ToPrimary): void {
    switch (message.kind) {
      case 'want':
        broker.want(number, message, message.count);
        break;
      case 'give-back':
        broker.giveBack(number, message.key, message.count);
        break;
      case 'decline':
        broker.decline(number, message.key, message.count);
        break;
      case 'accepted':
        accepted.add(message.identity);
        break;
      case 'forget':
        accepted.delete(message.identity);
        for (const other of others(number)) other.send(message as ToWorker & { kind: 'forget' });
        break;
      case 'answer':
        member.asking.answered(message);
        break;
      case 'ask':
        void answerTo(number, message.question).then((answer) =>
          member.send({ kind: 'answer', id: message.id, answer }),
        );
    }
  }

  return {
    joined(number, send) {
      const asking = createAsking<WorkerQuestion>({ clock, send });
      const member: Member = { send, asking };
      members.set(number, member);
      const isHere = (): boolean => members.get(number) === member;
      return {
        receive(message) {
          // What a dead worker said last is not its successor's.
          if (isHere()) receive(number, member, message);
        },
        left() {
          if (!isHere()) return;
          members.delete(number);
          asking.end();
          broker.gone(number);
        },
      };
    },
    async stats() {
      const all = await Promise.all([...members.values()].map(({ asking }) => asking.ask({ about: 'stats' })));
      return addStats(all.filter((one): one is GatewayStats => typeof one === 'object'));
    },
    permits: broker,
  };
}
