import { createFakeClock } from '@postern/testkit';
import { describe, expect, test } from 'vitest';
import { createPermitBroker } from './permit-broker.ts';

const pool = { key: 'db/app', target: 'db', size: 3 };

/** A worker as the broker sees it: connections in use or idle, callers waiting. */
interface FakeWorker {
  busy: number;
  idle: number;
  waiting: number;
  told: number;
  owed: number;
}

/** Workers that behave as PermitLedger does, with messages that take a moment. */
function createWorld(count: number, options: { size?: number; maxPerTarget?: number } = {}) {
  const clock = createFakeClock();
  const size = options.size ?? pool.size;
  const pools = new Map<string, { key: string; target: string; size: number }>();
  const workers = new Map<string, FakeWorker>();
  const messages: (() => void)[] = [];
  const alive = new Set(Array.from({ length: count }, (_, i) => i + 1));
  const firm: number[] = [];
  const broker = createPermitBroker({
    clock,
    maxPerTarget: options.maxPerTarget ?? 0,
    grant: (worker, key, granted) =>
      messages.push(() => {
        if (!alive.has(worker)) return;
        const state = of(worker, key);
        state.told = Math.max(0, state.told - granted);
        state.idle += granted;
        use(worker, key);
      }),
    recall: (worker, key, recalled, idleMs) => {
      if (idleMs === undefined) firm.push(worker);
      messages.push(() => {
        if (!alive.has(worker)) return;
        const state = of(worker, key);
        const now = Math.min(recalled, state.idle);
        state.idle -= now;
        if (now > 0) messages.push(() => broker.giveBack(worker, key, now));
        if (idleMs === undefined) state.owed += recalled - now;
        else if (recalled > now) messages.push(() => broker.decline(worker, key, recalled - now));
      });
    },
  });

  function of(worker: number, key = pool.key): FakeWorker {
    const name = `${worker} ${key}`;
    let state = workers.get(name);
    if (state === undefined) {
      state = { busy: 0, idle: 0, waiting: 0, told: 0, owed: 0 };
      workers.set(name, state);
    }
    return state;
  }

  function tell(worker: number, key: string): void {
    const state = of(worker, key);
    const wanted = Math.min(state.waiting, size);
    if (wanted === state.told) return;
    state.told = wanted;
    const wish = pools.get(key) ?? { key, target: 'db', size };
    pools.set(key, wish);
    messages.push(() => {
      if (alive.has(worker)) broker.want(worker, wish, wanted);
    });
  }

  function use(worker: number, key: string): void {
    const state = of(worker, key);
    while (state.idle > 0 && state.waiting > 0) {
      state.idle--;
      state.waiting--;
      state.busy++;
    }
    tell(worker, key);
  }

  function deliver(): void {
    for (let next = messages.shift(); next !== undefined; next = messages.shift()) next();
  }

  return {
    broker,
    firm,
    of,
    arrive(worker: number, callers: number, key = pool.key) {
      of(worker, key).waiting += callers;
      use(worker, key);
      deliver();
    },
    /** One transaction ends. */
    release(worker: number, key = pool.key) {
      const state = of(worker, key);
      state.busy--;
      if (state.owed > 0) {
        state.owed--;
        messages.push(() => broker.giveBack(worker, key, 1));
      } else state.idle++;
      use(worker, key);
      deliver();
    },
    kill(worker: number) {
      alive.delete(worker);
      broker.gone(worker);
      deliver();
    },
    pass(milliseconds: number) {
      for (let left = milliseconds; left > 0; left -= 5) {
        clock.advance(5);
        deliver();
      }
    },
    held: (key = pool.key) => Object.fromEntries(broker.held().get(key) ?? []),
    inUse(key = pool.key) {
      return [...alive].reduce((sum, worker) => sum + of(worker, key).busy + of(worker, key).idle, 0);
    },
    pendingTimers: () => clock.pendingTimers,
  };
}

describe('permits of one pool', () => {
  test('go to whoever asks while there are any, and never beyond the size', () => {
    const world = createWorld(2);
    world.arrive(1, 10);
    expect(world.held()).toEqual({ 1: 3 });
    expect(world.of(1)).toMatchObject({ busy: 3, waiting: 7 });
  });

  test('are shared out evenly when several want them at once', () => {
    const world = createWorld(3, { size: 6 });
    world.arrive(1, 10);
    world.arrive(2, 10);
    world.arrive(3, 10);
    world.pass(50);
    for (let i = 0; i < 12; i++) {
      for (const worker of [1, 2, 3]) if (world.of(worker).busy > 0) world.release(worker);
      world.pass(30);
    }
    // Everybody still has callers waiting: nothing moves any more.
    expect(world.held()).toEqual({ 1: 2, 2: 2, 3: 2 });
    const before = world.firm.length;
    world.arrive(1, 50);
    world.pass(1_000);
    expect(world.firm.length).toBe(before);
  });

  test('a worker with none gets what another has idle, at once', () => {
    const world = createWorld(2, { size: 1 });
    world.arrive(1, 1);
    world.release(1);
    world.arrive(2, 1);
    expect(world.held()).toEqual({ 2: 1 });
    expect(world.firm).toEqual([]);
  });

  test('a worker that has some takes no idle ones from another that has as many, unless they rest', () => {
    const world = createWorld(2, { size: 2 });
    world.arrive(1, 1);
    world.arrive(2, 3);
    expect(world.held()).toEqual({ 1: 1, 2: 1 });
    world.pass(200);
    expect(world.held()).toEqual({ 1: 1, 2: 1 });
    world.release(1);
    world.pass(30);
    expect(world.held()).toEqual({ 2: 2 });
    // And gives it back when the other comes again.
    world.arrive(1, 1);
    world.release(2);
    expect(world.held()).toEqual({ 1: 1, 2: 1 });
    expect(world.of(1)).toMatchObject({ busy: 1, waiting: 0 });
  });

  test('a passing wish of a worker that has some takes nothing from others', () => {
    const world = createWorld(2);
    world.arrive(1, 2);
    world.release(1);
    world.release(1);
    world.arrive(2, 1);
    world.arrive(2, 1);
    world.pass(20);
    world.release(2);
    world.pass(200);
    expect(world.held()).toEqual({ 1: 2, 2: 1 });
  });

  test('fewer permits than workers: they take turns, and none is left out', () => {
    const world = createWorld(3, { size: 1 });
    for (const worker of [1, 2, 3]) world.arrive(worker, 1_000);
    const turns = [0, 0, 0];
    for (let i = 0; i < 600; i++) {
      for (const worker of [1, 2, 3]) {
        if (world.of(worker).busy === 0) continue;
        turns[worker - 1]!++;
        world.release(worker);
      }
      world.pass(5);
      expect(world.inUse()).toBeLessThanOrEqual(1);
    }
    expect(Math.min(...turns)).toBeGreaterThan(120);
  });

  test('of a dead worker are free at once', () => {
    const world = createWorld(2);
    world.arrive(1, 5);
    world.arrive(2, 5);
    expect(world.held()).toEqual({ 1: 3 });
    world.kill(1);
    expect(world.held()).toEqual({ 2: 3 });
    expect(world.of(2)).toMatchObject({ busy: 3, waiting: 2 });
    world.kill(2);
    expect(world.broker.held().size).toBe(0);
    world.pass(100);
    expect(world.pendingTimers()).toBe(0);
  });

  test('what a worker does not need it gives back, and another has it', () => {
    const world = createWorld(2);
    world.arrive(1, 3);
    world.arrive(2, 1);
    world.broker.giveBack(1, pool.key, 1);
    world.pass(5);
    expect(world.held()).toEqual({ 1: 2, 2: 1 });
  });
});

describe('permits of one Postgres', () => {
  test('have a limit of their own over all pools', () => {
    const world = createWorld(2, { size: 3, maxPerTarget: 4 });
    world.arrive(1, 5, 'db/a');
    world.arrive(2, 5, 'db/b');
    expect([world.held('db/a'), world.held('db/b')]).toEqual([{ 1: 3 }, { 2: 1 }]);
    world.pass(30);
    world.release(1, 'db/a');
    expect([world.held('db/a'), world.held('db/b')]).toEqual([{ 1: 2 }, { 2: 2 }]);
  });

  test('an idle one of another pool makes room', () => {
    const world = createWorld(1, { size: 3, maxPerTarget: 3 });
    world.arrive(1, 3, 'db/a');
    for (let i = 0; i < 3; i++) world.release(1, 'db/a');
    world.arrive(1, 1, 'db/b');
    expect([world.held('db/a'), world.held('db/b')]).toEqual([{ 1: 2 }, { 1: 1 }]);
  });
});

test('whatever happens: never more in use than the size, and everybody is served', () => {
  let seed = 20_240_607;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  for (let round = 0; round < 60; round++) {
    const count = 1 + random(5);
    const size = 1 + random(6);
    const world = createWorld(count, { size });
    const dead = new Set<number>();
    const living = (): number[] => Array.from({ length: count }, (_, i) => i + 1).filter((worker) => !dead.has(worker));
    for (let step = 0; step < 200; step++) {
      const worker = living()[random(living().length)]!;
      const action = random(20);
      if (action < 8) world.arrive(worker, 1 + random(4));
      else if (action < 16 && world.of(worker).busy > 0) world.release(worker);
      else if (action === 19 && living().length > 1 && random(10) === 0) {
        dead.add(worker);
        world.kill(worker);
      } else world.pass(5 * random(8));
      expect(world.inUse(), `round ${round}, step ${step}`).toBeLessThanOrEqual(size);
    }
    const waiting = (): number => living().reduce((sum, worker) => sum + world.of(worker).waiting, 0);
    for (let i = 0; i < 5_000 && waiting() > 0; i++) {
      for (const worker of living()) if (world.of(worker).busy > 0) world.release(worker);
      world.pass(25);
    }
    expect(waiting(), `round ${round}`).toBe(0);
  }
});
