import { createFakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import type { GatewayStats } from '../gateway-stats.ts';
import { type Coordinator, createCoordinator, type WorkerLine } from './coordinator.ts';
import { createWorkerSeat, type WorkerDuties, type WorkerSeat } from './worker-seat.ts';

interface FakeWorker {
  readonly seat: WorkerSeat;
  readonly line: WorkerLine;
  /** What it did for others. */
  readonly done: string[];
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const stats: GatewayStats = {
  callers: 2,
  sessions: { pooled: 1, direct: 1 },
  pools: [
    {
      ...{ target: 'db', user: 'app', size: 3, connecting: 0, idle: 1, leased: 1, pinned: 0, recovering: 0 },
      ...{ waiting: 4, opened: 5, faults: 0, pins: [] },
    },
  ],
};

/** A worker over a channel that carries JSON and takes a moment. */
function join(coordinator: Coordinator, number: number, duties: Partial<WorkerDuties> = {}): FakeWorker {
  const done: string[] = [];
  const clock = createFakeClock();
  const copy = <T>(message: T): T => JSON.parse(JSON.stringify(message)) as T;
  const seat = createWorkerSeat({
    number,
    count: 3,
    identityKey: new Uint8Array(32),
    clock,
    send: (message) => queueMicrotask(() => line.receive(copy(message))),
  });
  const line = coordinator.joined(number, (message) => queueMicrotask(() => seat.receive(copy(message))));
  seat.serve({
    async cancel(processId, secretKey) {
      done.push(`cancel ${processId} ${secretKey.join()}`);
      return false;
    },
    forget: (identity) => done.push(`forget ${identity}`),
    invalidate: (scope, tags) => done.push(`invalidate ${scope} ${String(tags)}`),
    stats: () => stats,
    ...duties,
  });
  return { seat, line, done };
}

const create = (): Coordinator => createCoordinator({ clock: createFakeClock() });
const secret = Uint8Array.of(0, 1, 254, 255);

test('a cancel goes to the worker that the key names, and to nobody else when that has it', async () => {
  const coordinator = create();
  const [one, two, three] = [1, 2, 3].map((number) =>
    join(coordinator, number, number === 2 ? { cancel: async () => true } : {}),
  );
  expect(await one?.seat.cancelElsewhere(0x0200_0007, secret)).toBe(true);
  expect(two?.done).toEqual([]);
  expect(three?.done).toEqual([]);
});

test('a cancel whose key names nobody, as those of direct sessions, is asked of all others', async () => {
  const coordinator = create();
  const [one, two, three] = [1, 2, 3].map((number) =>
    join(coordinator, number, number === 3 ? { cancel: async () => true } : {}),
  );
  expect(await one?.seat.cancelElsewhere(4711, secret)).toBe(true);
  expect([one?.done, two?.done, three?.done]).toEqual([[], ['cancel 4711 0,1,254,255'], []]);
  expect(await three?.seat.cancelElsewhere(4711, secret)).toBe(false);
});

test('a cancel waits until it has been dealt with, and not for a worker that died', async () => {
  const coordinator = create();
  const one = join(coordinator, 1);
  const two = join(coordinator, 2, { cancel: () => new Promise(() => {}) });
  let isOver = false;
  const cancelling = one.seat.cancelElsewhere(0x0200_0007, secret).then((found) => {
    isOver = true;
    return found;
  });
  await settle();
  expect(isOver).toBe(false);
  two.line.left();
  expect(await cancelling).toBe(false);
});

test('identities that one accepted are known to all for a minute, until one is told otherwise', async () => {
  const clock = createFakeClock();
  const coordinator = createCoordinator({ clock });
  const [one, two] = [join(coordinator, 1), join(coordinator, 2)];
  one.seat.accepted('a');
  one.seat.accepted('b');
  expect(await two.seat.isAcceptedElsewhere('a')).toBe(true);
  two.seat.forget('a');
  expect(await one.seat.isAcceptedElsewhere('a')).toBe(false);
  expect([one.done, two.done]).toEqual([['forget a'], []]);
  clock.advance(60_000);
  expect(await two.seat.isAcceptedElsewhere('b')).toBe(false);
});

test('what one invalidates the others have forgotten when it goes on', async () => {
  const coordinator = create();
  const [one, two, three] = [1, 2, 3].map((number) => join(coordinator, number));
  await two?.seat.invalidateElsewhere('s', ['t', 'u']);
  expect([one?.done, two?.done, three?.done]).toEqual([['invalidate s t,u'], [], ['invalidate s t,u']]);
});

test('the rate of a key is one for all', async () => {
  const coordinator = create();
  const [one, two] = [join(coordinator, 1), join(coordinator, 2)];
  expect(await one.seat.takeRate('k', 1)).toBe(0);
  expect(await two.seat.takeRate('k', 1)).toBe(0);
  expect(await one.seat.takeRate('k', 1)).toBeGreaterThan(0);
});

test('permits reach the worker, and those of a dead one the next', async () => {
  const coordinator = create();
  const heard: string[] = [];
  const pool = { key: 'k', target: 't', size: 1 };
  const workers = [1, 2].map((number) => {
    const worker = join(coordinator, number);
    worker.seat.permits.serve({
      granted: (key, count) => heard.push(`${number}: ${count} of ${key}`),
      recalled: () => {},
    });
    return worker;
  });
  workers[0]?.seat.permits.want(pool, 1);
  await settle();
  workers[1]?.seat.permits.want(pool, 1);
  await settle();
  expect(heard).toEqual(['1: 1 of k']);
  workers[0]?.line.left();
  await settle();
  expect(heard).toEqual(['1: 1 of k', '2: 1 of k']);
  // Its last words change nothing.
  workers[0]?.seat.permits.giveBack('k', 1);
  await settle();
  expect(coordinator.permits.held().get('k')?.get(2)).toBe(1);
});

test('counts what all have as if it were one', async () => {
  const coordinator = create();
  join(coordinator, 1);
  join(coordinator, 2);
  expect(await coordinator.stats()).toMatchObject({
    callers: 4,
    sessions: { pooled: 2, direct: 2 },
    pools: [{ target: 'db', size: 3, idle: 2, leased: 2, waiting: 8, opened: 10 }],
  });
});
