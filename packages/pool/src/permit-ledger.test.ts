import { concatBytes, encodeCommandComplete, encodeQuery, encodeReadyForQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import {
  type AnsweringServer,
  answering,
  createTestEngine,
  identity,
  settle,
  type TestEngine,
  target,
} from './engine.fixture.ts';
import type { PermitHolder, PermitSource } from './permit-ledger.ts';

const key = `${target.host}:${target.port}/${target.database}/${identity.id}`;
const groupKey = `${key} connection_limit 1/web`;
const slow = 'SELECT pg_sleep(1)';

/** In what is told: whether it is about the pool or about a connection_limit. */
function groupOf(key: string): string {
  return key === groupKey ? ' for web' : '';
}

interface World extends TestEngine {
  /** What the source was told since it was last asked. */
  said(): string[];
  grant(count: number, key?: string): Promise<void>;
  recall(count: number, idleMs?: number, key?: string): Promise<void>;
  readonly servers: AnsweringServer[];
  finish(server: AnsweringServer | undefined): Promise<void>;
}

/** An engine with a pool of three that gets what the test grants, and a Postgres that answers all but what is slow. */
function createWorld(limits: { serverIdleTimeoutMs?: number; poolTimeoutMs?: number } = {}): World {
  const told: string[] = [];
  const servers: AnsweringServer[] = [];
  let holder: PermitHolder | undefined;
  const permits: PermitSource = {
    want: ({ key, size }, count) => void told.push(`want ${count} of ${size}${groupOf(key)}`),
    giveBack: (key, count) => void told.push(`back ${count}${groupOf(key)}`),
    decline: (key, count) => void told.push(`decline ${count}${groupOf(key)}`),
    serve(served) {
      holder = served;
    },
  };
  const engine = createTestEngine({ limits: { poolSize: 3, multiplexing: false, ...limits }, permits });
  void (async () => {
    for (;;) servers.push(await answering(engine.postgres, (sql) => (sql === slow ? null : undefined)));
  })().catch(() => {});
  return {
    ...engine,
    said: () => told.splice(0),
    servers,
    async grant(count, given = key) {
      holder?.granted(given, count);
      await settle();
      await settle();
    },
    async recall(count, idleMs, given = key) {
      holder?.recalled(given, count, idleMs);
      await settle();
    },
    async finish(server) {
      server?.connection.send(concatBytes([encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I')]));
      await settle();
    },
  };
}

test('a pool has as many connections as it was granted, and no more', async () => {
  const world = createWorld();
  const callers = await Promise.all([world.open(), world.open(), world.open(), world.open()]);
  expect(world.said()).toEqual(['want 1 of 3']);
  await world.pass(20);
  expect(world.said()).toEqual(['want 3 of 3']);
  expect(world.engine.stats().pools[0]).toMatchObject({ waiting: 4, idle: 0, opened: 0 });
  await world.grant(1);
  for (const caller of callers) await caller.send(encodeQuery('SELECT 1'));
  for (const caller of callers) expect(caller.heard().at(-1)).toBe('ReadyForQuery I');
  expect(world.servers).toHaveLength(1);
  await world.pass(20);
  expect(world.said()).toEqual(['want 0 of 3']);
});

test('what is granted and not needed any more goes back at once', async () => {
  const world = createWorld();
  const caller = await world.open();
  await caller.vanish();
  world.said();
  await world.grant(2);
  expect(world.said()).toEqual(['back 2']);
  expect(world.servers).toEqual([]);
});

test('a recalled permit goes back with an idle connection, or with the next release', async () => {
  const world = createWorld();
  const [first, second, third] = await Promise.all([world.open(), world.open(), world.open()]);
  await world.grant(2);
  await world.pass(20);
  await first.send(encodeQuery(slow));
  await second.send(encodeQuery(slow));
  await third.send(encodeQuery('SELECT 3'));
  third.heard();
  world.said();
  await world.recall(1);
  expect(world.said()).toEqual([]);
  await world.finish(world.servers[0]);
  // Others come first, even though somebody waits here.
  expect(world.said()[0]).toBe('back 1');
  expect(third.heard()).toEqual([]);
  await world.finish(world.servers[1]);
  expect(third.heard().at(-1)).toBe('ReadyForQuery I');
  await world.pass(20);
  world.said();
  await world.recall(1);
  expect(world.said()).toEqual(['back 1']);
  expect(world.engine.stats().pools[0]).toMatchObject({ idle: 0, leased: 0 });
});

test('asked for idle ones only, it keeps what is in use or was just used', async () => {
  const world = createWorld();
  const caller = await world.open();
  await world.grant(1);
  await world.pass(50);
  world.said();
  await world.recall(1, 100);
  expect(world.said()).toEqual(['decline 1']);
  await caller.send(encodeQuery(slow));
  await world.recall(1, 0);
  expect(world.said()).toEqual(['decline 1']);
  await world.finish(world.servers[0]);
  await world.pass(100);
  await world.recall(1, 100);
  expect(world.said()).toEqual(['back 1']);
});

test('waiting for a permit is waiting for the pool: pool_timeout counts', async () => {
  const world = createWorld({ poolTimeoutMs: 1_000 });
  const caller = await world.open();
  await world.pass(900);
  expect(caller.heard()).toEqual([]);
  await world.pass(200);
  expect(caller.heard()[0]).toMatch(/53300 timed out waiting for a connection from the pool .*pool size 3/);
});

test('a login takes a permit, and exceeds the budget rather than wait for long', async () => {
  const world = createWorld();
  const login = world.engine.login(target, identity, { connectTimeoutMs: 5_000 });
  expect(world.said()).toEqual(['want 1 of 3']);
  await world.grant(1);
  await login;
  expect(world.engine.stats().pools[0]).toMatchObject({ idle: 1, opened: 1 });

  const caller = await world.open();
  await caller.send(encodeQuery(slow));
  const late = world.engine.login(target, identity, { connectTimeoutMs: 5_000 });
  await world.pass(900);
  expect(world.servers).toHaveLength(1);
  await world.pass(200);
  await late;
  expect(world.engine.stats().pools[0]).toMatchObject({ leased: 1, idle: 0, opened: 2 });
});

test('a login has the next connection that is released', async () => {
  const world = createWorld();
  const caller = await world.open();
  await world.grant(1);
  await caller.send(encodeQuery(slow));
  const login = world.engine.login(target, identity, { connectTimeoutMs: 5_000 });
  await settle();
  await world.finish(world.servers[0]);
  await login;
  expect(world.engine.stats().pools[0]).toMatchObject({ leased: 0, idle: 1, opened: 2 });
});

test('gives back what an idle connection held when that is closed, and what comes for a pool that is gone', async () => {
  const world = createWorld({ serverIdleTimeoutMs: 1_000 });
  const caller = await world.open();
  await world.grant(1);
  await caller.vanish();
  world.said();
  await world.pass(5_000);
  expect(world.said()).toEqual(['back 1']);
  await world.pass(5_000);
  expect(world.engine.stats().pools).toEqual([]);
  await world.grant(1);
  expect(world.said()).toEqual(['back 1']);
});

test('a connection_limit is shared, too: its callers have as many connections as their group was granted', async () => {
  const world = createWorld();
  const web = { settings: { connectionLimit: 1 }, startupParameters: new Map([['application_name', 'web']]) };
  const [first, second] = await Promise.all([world.open(web), world.open(web)]);
  expect(world.said().sort()).toEqual(['want 1 of 1 for web', 'want 1 of 3']);
  await world.grant(2);
  await world.pass(20);
  expect(world.engine.stats().pools[0]).toMatchObject({ idle: 2, waiting: 2 });
  await world.grant(1, groupKey);
  await world.pass(20);
  world.said();
  await first.send(encodeQuery(slow));
  await second.send(encodeQuery('SELECT 2'));
  second.heard();
  expect(world.engine.stats().pools[0]).toMatchObject({ idle: 1, leased: 1, waiting: 1 });
  // Another process wants it: in use, then given back though one waits here.
  await world.recall(1, 0, groupKey);
  await world.recall(1, undefined, groupKey);
  expect(world.said()).toEqual(['decline 1 for web']);
  await world.finish(world.servers.find((server) => server.asked().includes(`Query ${slow}`)));
  expect(world.said()).toContain('back 1 for web');
  expect(second.heard()).toEqual([]);
  await world.pass(20);
  expect(world.said()).toContain('want 1 of 1 for web');
  await world.grant(1, groupKey);
  expect(second.heard().at(-1)).toBe('ReadyForQuery I');
  await Promise.all([first.vanish(), second.vanish()]);
  world.said();
  await world.pass(5_000);
  expect(world.said()).toContain('back 1 for web');
  // Without a session the group is forgotten.
  await world.grant(1, groupKey);
  expect(world.said()).toEqual(['back 1 for web']);
});
