import { DatabaseError, encodeQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import { answering, createTestEngine, identity, target } from './engine.fixture.ts';
import { FinalDialError } from './errors.ts';

test('a pool larger than what Postgres has room for lives with what it gets, and says so once', async () => {
  let dials = 0;
  const full = new DatabaseError({ severity: 'FATAL', code: '53300', message: 'sorry, too many clients already' });
  const { postgres, open, pass, events, engine } = createTestEngine({
    limits: { poolSize: 5, multiplexing: false },
    dial: (real) => (target) => (++dials === 1 ? real(target) : Promise.reject(full)),
  });
  const slow = 'SELECT pg_sleep(1)';
  void answering(postgres, (sql) => (sql === slow ? null : undefined));
  const first = await open();
  await first.send(encodeQuery(slow));
  const second = await open();
  await second.send(encodeQuery('SELECT 2'));
  await pass(3_000);
  expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1, size: 5 }]);
  expect(events.filter(({ event }) => event === 'server_connect_failed')).toEqual([
    expect.objectContaining({
      error: 'sorry, too many clients already',
      open: 1,
      poolSize: 5,
      hint: expect.stringContaining('lower the pool size, or raise max_connections'),
    }),
  ]);
  expect(second.heard()).toEqual([]);
  expect(second.isClosed).toBe(false);
});

const slowly = 'SELECT pg_sleep(1)';

function noRoom(routine: string): DatabaseError {
  return new DatabaseError({ severity: 'FATAL', code: '53300', message: 'too many connections', routine });
}

/** Postgres has room for one connection, and says so as `routine`. */
function withRoomForOne(routine: string) {
  let open = 0;
  return createTestEngine({
    limits: { poolSize: 2, multiplexing: false },
    dial: (real) => async (to) => {
      if (open > 0) throw noRoom(routine);
      const stream = await real(to);
      open++;
      const { destroy, end } = stream;
      stream.destroy = (...given) => {
        open--;
        destroy.apply(stream, given);
      };
      stream.end = (...given) => {
        open--;
        end.apply(stream, given);
      };
      return stream;
    },
  });
}

test.each([
  ['InitializeSessionUserId', { identity: { ...identity, id: 'the same role, proved otherwise' } }],
  ['InitializeSessionUserId', { target: { ...target, database: 'other' } }],
  ['CheckMyDatabase', { identity: { ...identity, id: 'j', user: 'other' } }],
  ['InitProcess', { identity: { ...identity, id: 'j', user: 'other' }, target: { ...target, database: 'other' } }],
])('what Postgres has no room for (%s) takes the place of an idle connection', async (routine, other) => {
  const { postgres, open, pass } = withRoomForOne(routine);
  const first = await open();
  const idle = await answering(postgres);
  await first.send(encodeQuery('SELECT 1'));
  idle.asked();
  const second = await open(other);
  await second.send(encodeQuery('SELECT 2'));
  void answering(postgres);
  await pass(200);
  expect(idle.asked()).toEqual(['X']);
  expect(second.heard()).toContain('CommandComplete SELECT 0');
});

test.each([
  ['InitializeSessionUserId', { identity: { ...identity, id: 'j', user: 'other' } }],
  ['CheckMyDatabase', { target: { ...target, database: 'other' } }],
  ['InitProcess', { target: { ...target, host: 'elsewhere' } }],
])('and not of one that does not take it up (%s)', async (routine, other) => {
  const { postgres, open, pass, engine } = withRoomForOne(routine);
  const first = await open();
  await answering(postgres);
  await first.send(encodeQuery('SELECT 1'));
  const second = await open(other);
  await second.send(encodeQuery('SELECT 2'));
  await pass(6_000);
  expect(engine.stats().pools).toContainEqual(expect.objectContaining({ idle: 1 }));
  expect(second.heard()).toEqual([
    expect.stringMatching(/^\w+ 53300 cannot connect to the database server \(tried for 5\.\d s; last error: too many/),
  ]);
});

test('who waits where Postgres gives no more is told so', async () => {
  const { postgres, open, pass, events } = withRoomForOne('InitProcess');
  const first = await open();
  void answering(postgres, (sql) => (sql === slowly ? null : undefined));
  await first.send(encodeQuery(slowly));
  const second = await open();
  await second.send(encodeQuery('SELECT 2'));
  await pass(11_000);
  expect(second.heard()).toEqual([
    expect.stringContaining('Postgres gives no more: too many connections'),
    'ReadyForQuery I',
  ]);
  expect(events.filter(({ event }) => event === 'waits_expired')).toHaveLength(1);
});

test('what no further attempt can mend is told at once', async () => {
  const { open, pass, events } = createTestEngine({
    dial: () => () =>
      Promise.reject(new FinalDialError('CERT_HAS_EXPIRED', 'db:5432: certificate has expired', undefined)),
  });
  const caller = await open();
  await caller.send(encodeQuery('SELECT 1'));
  await pass(50);
  expect(caller.heard()).toEqual(['FATAL 08001 cannot reach the database server: db:5432: certificate has expired']);
  expect(events).toMatchObject([{ event: 'server_connect_failed', error: 'db:5432: certificate has expired' }]);
});

test('the last attempt of a login, cut short by its end, does not hide why those before failed', async () => {
  let dials = 0;
  const { engine, pass } = createTestEngine({
    dial: () => () =>
      ++dials < 3
        ? Promise.reject(Object.assign(new Error('db:5432: no route'), { code: 'EHOSTUNREACH' }))
        : new Promise(() => {}),
  });
  const login = engine.login(target, identity, { connectTimeoutMs: 1_000 }).catch((error: unknown) => error);
  await pass(2_000);
  expect(dials).toBe(3);
  expect(await login).toMatchObject({ code: 'connect_failed', message: expect.stringContaining('no route') });
});

test('the log has one line for all whose wait for a connection was over at once', async () => {
  const { postgres, open, pass, events } = createTestEngine({ limits: { multiplexing: false } });
  const busy = await open();
  void answering(postgres, () => null);
  await busy.send(encodeQuery(slowly));
  for (let i = 0; i < 3; i++) await (await open()).send(encodeQuery('SELECT 2'));
  await pass(11_000);
  expect(events.filter(({ event }) => event === 'waits_expired')).toEqual([
    expect.objectContaining({ target: 'db:5432/d', user: 'postgres', refused: 3, code: 'pool_timeout' }),
  ]);
});
