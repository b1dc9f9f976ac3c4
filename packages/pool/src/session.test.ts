import {
  concatBytes,
  decodeQuery,
  encodeBind,
  encodeClose,
  encodeDataRow,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  answering,
  answerOn,
  createTestEngine,
  failure,
  settle,
  type TestCaller,
  type TestEngine,
} from './engine.fixture.ts';
import { guardedSql, resetSql } from './label.ts';

/** One row of the answer to an inspection. */
function held(...cells: string[]): Uint8Array {
  return encodeDataRow(cells.map((cell) => encodeText(cell)));
}

const isInspection = (sql: string): boolean => sql.includes('pg_listening_channels');
const done = Uint8Array.of(0x43, 0, 0, 0, 8, 0x53, 0x45, 0x54, 0);
const named = (name: string, sql: string): Uint8Array => encodeParse(name, sql);
const run = (name: string): Uint8Array => concatBytes([encodeBind({ statement: name }), encodeExecute(), encodeSync()]);

describe('settings', () => {
  /** A Postgres that tells of one setting whenever it is asked what the session holds. */
  const withDateStyle: Answer = (sql) =>
    isInspection(sql) ? concatBytes([held('s', 'DateStyle', 'ISO, DMY'), done]) : undefined;

  test('of one session are replayed before another’s segment and again before its own, in the same write', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, withDateStyle);
    await a.send(encodeQuery("SET DateStyle = 'DMY'"));
    const b = await open();
    server.asked();
    await b.send(encodeQuery('SELECT 1'));
    expect(server.asked()).toEqual([`Query ${guardedSql(resetSql)}`, 'Query SELECT 1']);
    await a.send(encodeQuery('SELECT 2'));
    expect(server.asked()).toEqual([
      `Query ${guardedSql(`${resetSql}; SELECT pg_catalog.set_config(E'DateStyle', E'ISO, DMY', false)`)}`,
      'Query SELECT 2',
    ]);
    // Nothing of it shows.
    expect(a.heard().slice(-2)).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('need nothing where the session comes back to its connection', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, withDateStyle);
    await a.send(encodeQuery("SET DateStyle = 'DMY'"));
    server.asked();
    await a.send(encodeQuery('SELECT 2'));
    expect(server.asked()).toEqual(['Query SELECT 2']);
  });

  test('are asked about once the transaction is over, and the answer is not the caller’s', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeQuery('SET work_mem = 1'));
    expect(server.asked().map((line) => (isInspection(line) ? 'inspection' : line))).toEqual([
      'Query SET work_mem = 1',
      'inspection',
    ]);
    expect(a.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });
});

describe('what the session holds', () => {
  test('is asked again when the question fails: that alone is no reason to keep the connection', async () => {
    const { postgres, open, engine } = createTestEngine();
    let failures = 2;
    const a = await open();
    const server = await answering(postgres, (sql) =>
      isInspection(sql) && failures-- > 0 ? failure('57014', 'canceling statement') : undefined,
    );
    await a.send(encodeQuery('SET work_mem = 1'));
    await settle();
    expect(server.asked().filter(isInspection)).toHaveLength(3);
    expect(engine.stats().pools).toMatchObject([{ idle: 1, pinned: 0 }]);
  });

  test('may be a custom setting with an empty value', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, (sql) =>
      isInspection(sql) && sql.includes("(E'own.empty', true)")
        ? concatBytes([held('c', 'own.empty', '', ''), done])
        : undefined,
    );
    await a.send(encodeQuery("SET own.empty = ''"));
    const b = await open();
    await b.send(encodeQuery('SELECT 1'));
    server.asked();
    await a.send(encodeQuery('SELECT 2'));
    expect(server.asked()[0]).toContain("set_config(E'own.empty', E'', false)");
  });

  test('keeps the connection where only a superuser could set it on another', async () => {
    const { postgres, open, engine } = createTestEngine();
    const a = await open();
    let isSuperuser = 'false';
    await answering(postgres, (sql) =>
      isInspection(sql)
        ? concatBytes([held('S', 'log_min_duration_statement', '1', '-1'), held('u', isSuperuser), done])
        : undefined,
    );
    await a.send(encodeQuery('SELECT sets_duration()'));
    expect(engine.stats().pools).toMatchObject([
      { idle: 0, pins: [{ reasons: ['setting log_min_duration_statement, for superusers only'] }] },
    ]);
    isSuperuser = 'true';
    await a.send(encodeQuery('SELECT sets_duration()'));
    expect(engine.stats().pools).toMatchObject([{ idle: 1, pins: [] }]);
  });

  test('is told apart from what the question itself sets', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const settings = [
      held('5s'),
      held('s', 'statement_timeout', '0', '5000'),
      held('s', 'client_encoding', 'UTF8', 'UTF8'),
      held('s', 'work_mem', '1', '4096'),
    ];
    const server = await answering(postgres, (sql) =>
      isInspection(sql) ? concatBytes([...settings, done]) : undefined,
    );
    await a.send(encodeQuery('SET work_mem = 1'));
    const b = await open();
    await b.send(encodeQuery('SELECT 1'));
    settings[0] = held('1min');
    await a.send(encodeQuery('SET statement_timeout = 60000'));
    await b.send(encodeQuery('SELECT 2'));
    server.asked();
    await a.send(encodeQuery('SELECT 3'));
    expect(server.asked()[0]).toMatch(
      /; SELECT pg_catalog.set_config\(E'statement_timeout', E'60000', false\), pg_catalog.set_config\(E'work_mem', E'1', false\); COMMIT$/,
    );
  });
});

describe('a reset that fails', () => {
  test('ends the session: its segment was refused, if it was sent', async () => {
    const { postgres, open, engine, events } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, (sql) => {
      if (isInspection(sql)) return concatBytes([held('s', 'work_mem', '1'), done]);
      return sql.includes("set_config(E'work_mem'") ? failure('22023', 'no more of that') : undefined;
    });
    await a.send(encodeQuery('SET work_mem = 1'));
    const b = await open();
    await b.send(encodeQuery('SELECT 1'));
    a.heard();
    await a.send(encodeQuery('SELECT 2'));
    expect(a.isClosed).toBe(true);
    expect(a.heard()).toEqual([
      'FATAL 08006 the session’s settings could not be restored on another server connection: no more of that'.replace(
        '’',
        "'",
      ),
    ]);
    expect(events.map(({ event }) => event)).toContain('session_state_refused');
    expect(engine.stats().pools).toMatchObject([{ idle: 0, leased: 0 }]);
    expect(server.connection.stream).toBeDefined();
  });

  /** A session with a role, on a connection that another one has used since. */
  async function createMoved(): Promise<TestEngine & { caller: TestCaller; answer: Answer; refuse(): void }> {
    const engine = createTestEngine();
    let refuses = false;
    const answer: Answer = (sql) => {
      if (isInspection(sql)) return concatBytes([held('r', 'role', 'app'), done]);
      return refuses && sql.includes("set_config(E'role'") ? failure('42501', 'permission denied') : undefined;
    };
    const caller = await engine.open();
    const server = await answering(engine.postgres, answer);
    await caller.send(encodeQuery('SET ROLE app'));
    const b = await engine.open();
    await b.send(encodeQuery('SELECT 1'));
    caller.heard();
    server.asked();
    const refuse = (): void => {
      refuses = true;
    };
    return { ...engine, caller, answer, refuse };
  }

  test('of what Postgres may refuse is waited for: the segment is sent on another connection', async () => {
    const { caller, postgres, refuse } = await createMoved();
    refuse();
    await caller.send(encodeQuery('DELETE FROM t'));
    const second = await answering(postgres);
    await settle();
    expect(second.asked().slice(1)).toEqual(['Query DELETE FROM t']);
    expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('twice ends the session, and the segment is never sent', async () => {
    const { caller, postgres, refuse, answer } = await createMoved();
    refuse();
    await caller.send(encodeQuery('DELETE FROM t'));
    const second = await answering(postgres, answer);
    await settle();
    expect(second.asked().filter((line) => line.includes('DELETE'))).toEqual([]);
    expect(caller.heard().at(-1)).toContain('FATAL 08006');
  });

  test.each([
    ['a Query', encodeQuery('ROLLBACK; DELETE FROM t'), ['Query ROLLBACK; DELETE FROM t']],
    ['a segment', concatBytes([encodeParse('', 'COMMIT'), run('')]), ['Parse  COMMIT', 'Bind ', 'Execute', 'Sync']],
  ])('does not let %s through that ends the failed transaction: it waits', async (_, segment, lines) => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeQuery('SET work_mem = 1'));
    await connection.next();
    connection.send(done, encodeReadyForQuery('I'));
    await settle();
    await connection.next();
    connection.send(held('s', 'work_mem', '1'), done, encodeReadyForQuery('I'));
    const b = await open();
    await b.send(segment, encodeQuery('SELECT 1'));
    // The reset, and at most what cannot do anything.
    expect(connection.pending()).toMatch(/^QP?$/);
    await connection.next();
    connection.send(done, encodeReadyForQuery('I'));
    const server = answerOn(connection, () => undefined);
    await settle();
    expect(server.asked()).toEqual([...lines, 'Query SELECT 1']);
    expect(b.heard().filter((line) => line.startsWith('ReadyForQuery'))).toEqual([
      'ReadyForQuery I',
      'ReadyForQuery I',
    ]);
  });
});

describe('prepared statements', () => {
  test('are shared under names of ours: Postgres is not made to parse for the second caller', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(named('s1', 'SELECT 1'), run('s1'));
    expect(server.asked()).toEqual(['Parse _postern_1 SELECT 1', 'Bind _postern_1', 'Execute', 'Sync']);
    const b = await open();
    await b.send(named('other', 'SELECT 1'), run('other'));
    // Postgres is asked whether it is still valid.
    expect(server.asked()).toEqual(['Describe', 'Bind _postern_1', 'Execute', 'Sync']);
    expect(b.heard()).toEqual(['ParseComplete', 'BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('follow their session to a connection that lacks them', async () => {
    const { postgres, open } = createTestEngine({ limits: { poolSize: 2, multiplexing: false } });
    const a = await open();
    const first = await answering(postgres, (sql) => (sql === 'SELECT pg_sleep(1)' ? null : undefined));
    await a.send(named('s1', 'SELECT 1'), encodeSync());
    const b = await open();
    await b.send(encodeQuery('SELECT pg_sleep(1)'));
    first.asked();
    a.heard();
    await a.send(run('s1'));
    const second = await answering(postgres);
    await settle();
    expect(second.asked()).toEqual(['Parse _postern_1 SELECT 1', 'Bind _postern_1', 'Execute', 'Sync']);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('Close frees the caller’s name and leaves Postgres’ alone', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(named('s', 'SELECT 1'), encodeSync());
    server.asked();
    a.heard();
    await a.send(encodeClose('S', 's'), named('s', 'SELECT 2'), encodeDescribe('S', 's'), encodeSync());
    expect(server.asked()).toEqual(['Parse _postern_2 SELECT 2', 'Describe', 'Sync']);
    expect(a.heard()).toEqual(['CloseComplete', 'ParseComplete', 'NoData', 'ReadyForQuery I']);
  });

  test('the least recently used one gives way when a connection holds too many', async () => {
    const { postgres, open } = createTestEngine({ limits: { maxPreparedStatements: 2 } });
    const a = await open();
    const server = await answering(postgres);
    for (const name of ['a', 'b']) await a.send(named(name, `SELECT '${name}'`), encodeSync());
    await a.send(run('a'));
    server.asked();
    await a.send(named('c', 'SELECT 3'), encodeSync());
    expect(server.asked()).toEqual(['Close', 'Parse _postern_3 SELECT 3', 'Sync']);
    await a.send(run('a'));
    expect(server.asked()).toEqual(['Bind _postern_1', 'Execute', 'Sync']);
    await a.send(run('b'));
    expect(server.asked()).toEqual(['Close', "Parse _postern_2 SELECT 'b'", 'Bind _postern_2', 'Execute', 'Sync']);
  });
});

describe('the release rule', () => {
  test('keeps the connection through a transaction, whoever waits', async () => {
    const { postgres, open, engine } = createTestEngine({ limits: { multiplexing: false } });
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeQuery('BEGIN'));
    await connection.next();
    connection.send(done, encodeReadyForQuery('T'));
    const b = await open();
    await b.send(encodeQuery('SELECT 1'));
    expect(connection.pending()).toBe('');
    expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
    await a.send(encodeQuery('COMMIT'));
    await connection.next();
    connection.send(done, encodeReadyForQuery('I'));
    await settle();
    expect(connection.pending()).toBe('Q');
  });

  test('lets others in between the segments of a caller who never stops', async () => {
    const { postgres, open } = createTestEngine({ limits: { multiplexing: false, pipelineWindow: 4 } });
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(...Array.from({ length: 20 }, () => encodeQuery('SELECT 1 AS a')));
    const [b, c] = [await open(), await open()];
    await b.send(encodeQuery('SELECT 1 AS b'));
    await c.send(encodeQuery('SELECT 1 AS c'), encodeQuery('SELECT 2 AS c'));
    let order = '';
    for (let answered = 0; answered < 23; answered++) {
      order += decodeQuery((await connection.next()).body).at(-1);
      connection.send(done, encodeReadyForQuery('I'));
      await settle();
    }
    // Ahead goes what is sent while nobody waits, so many segments at most; then those who wait.
    expect(order).toBe(`aaaabcaaaac${'a'.repeat(12)}`);
  });

  test('keeps no connection for a part of a message', async () => {
    const { postgres, open, engine } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeQuery('SELECT 1'));
    server.asked();
    const text = encodeQuery(`SELECT '${'x'.repeat(100_000)}'`);
    await a.send(text.subarray(0, 70_000));
    expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1, waiting: 0 }]);
    const b = await open();
    await b.send(encodeQuery('SELECT 2'));
    expect(b.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
    await a.send(text.subarray(70_000));
    expect(a.heard().slice(-2)).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('counts what was not synced: a Bind behind the ReadyForQuery keeps the connection', async () => {
    const { postgres, open, engine } = createTestEngine();
    const a = await open();
    await answering(postgres);
    await a.send(encodeQuery('SELECT 1'), encodeParse('', 'SELECT 2'));
    expect(a.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I', 'ParseComplete']);
    expect(engine.stats().pools).toMatchObject([{ leased: 1, idle: 0 }]);
    await a.send(encodeSync());
    expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1 }]);
  });

  test('a statement prepared beside temporary objects is not shared: by the same text others may mean something else', async () => {
    const { postgres, open } = createTestEngine({ limits: { poolSize: 1 } });
    const [a, b] = [await open(), await open()];
    const server = await answering(postgres, (sql) =>
      isInspection(sql) ? concatBytes([held('o', 'temporary object t', ''), done]) : undefined,
    );
    await b.send(named('s', 'SELECT * FROM t'), encodeSync());
    await a.send(encodeQuery('CREATE TEMP TABLE t ()'));
    await a.send(encodeQuery('BEGIN'));
    server.asked();
    await a.send(named('s', 'SELECT * FROM t'), encodeSync());
    expect(server.asked()).toEqual(['Parse _postern_2 SELECT * FROM t', 'Sync']);
  });

  test('objects that cannot be replayed pin the session, within a limit', async () => {
    const { postgres, open, engine, pass } = createTestEngine({ limits: { poolSize: 3, maxPinned: 1 } });
    const temporary: Answer = (sql) =>
      isInspection(sql) ? concatBytes([held('o', 'temporary object t', ''), done]) : undefined;
    const a = await open({ label: 'tcp 1' });
    await answering(postgres, temporary);
    await a.send(encodeQuery('CREATE TEMP TABLE t ()'));
    expect(engine.stats().pools).toMatchObject([
      { pinned: 1, leased: 0, pins: [{ session: 'tcp 1', reasons: ['temporary object t'] }] },
    ]);
    const b = await open();
    await b.send(encodeQuery('CREATE TEMP TABLE t ()'));
    await answering(postgres, temporary);
    await settle();
    // Somebody might be about to let go: it waits for a moment.
    expect(b.isClosed).toBe(false);
    await pass(1_100);
    expect(b.heard().at(-1)).toMatch(/^FATAL 53400 too many sessions .* \(limit 1\): temporary object t$/);
    expect(a.isClosed).toBe(false);
  });
});

describe('what a session has run', () => {
  test.each([
    'SELECT $1::int',
    'BEGIN; SELECT 1; COMMIT',
    // lastval()
    'INSERT INTO t VALUES (1) RETURNING a',
    'SET LOCAL work_mem = 1',
    'SET work_mem = 1',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    'DEALLOCATE ALL',
    'DISCARD ALL',
    'LISTEN c',
    'NOTIFY c',
    'CREATE TEMP TABLE t ()',
    'SELECT some_function()',
    'SELECT pg_advisory_lock(1)',
    "SELECT set_config('a.b', 'c', true)",
    'ALTER DATABASE d SET work_mem = 1',
    'SELECT setseed(0)',
  ])('may be noticed by its next user, or not: %s', async (sql) => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    await answering(postgres, (text) => (isInspection(text) ? done : undefined));
    await a.send(encodeQuery('SELECT 1'));
    expect(a.session.isUntouched).toBe(true);
    await a.send(encodeParse('', sql), encodeBind(), encodeExecute(), encodeSync());
    expect(a.session.isUntouched).toBe(['SELECT $1::int', 'BEGIN; SELECT 1; COMMIT'].includes(sql));
  });

  test('counts as noticed while anything is unanswered, and where every owner has its reset', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const { connection } = await answering(postgres, () => null);
    await a.send(encodeQuery('SELECT 1'));
    expect(a.session.isUntouched).toBe(false);
    connection.send(done, encodeReadyForQuery('I'));
    await settle();
    expect(a.session.isUntouched).toBe(true);
    const strict = await createTestEngine({ limits: { serverReset: 'always' } }).open();
    expect(strict.session.isUntouched).toBe(false);
  });

  test('a spare session counts as none', async () => {
    const { open, engine } = createTestEngine();
    const { session } = await open();
    expect(engine.stats().sessions).toEqual({ pooled: 1, direct: 0 });
    session.isSpare = true;
    expect(engine.stats().sessions).toEqual({ pooled: 0, direct: 0 });
  });
});
