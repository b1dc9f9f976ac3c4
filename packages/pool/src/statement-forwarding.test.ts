import {
  encodeBind,
  encodeClose,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { answering, createTestEngine, failure, identity, settle } from './engine.fixture.ts';

const bindAndRun = (statement: string): Uint8Array[] => [encodeBind({ statement }), encodeExecute(), encodeSync()];

describe('names of prepared statements', () => {
  test.each(['s', ''])(
    'put on another connection in a segment that fails before: the next one waits (%j)',
    async (name) => {
      const { postgres, open } = createTestEngine({ limits: { poolSize: 2, multiplexing: false } });
      const [a, b] = [await open(), await open()];
      const first = await postgres.nextConnection();
      await first.accept();
      await a.send(encodeParse(name, 'SELECT 1'), encodeSync());
      first.send(Uint8Array.of(0x31, 0, 0, 0, 4), encodeReadyForQuery('I'));
      await b.send(encodeQuery('BEGIN'));
      await a.send(encodeExecute('none'), ...bindAndRun(name), ...bindAndRun(name));
      const second = await postgres.nextConnection();
      await second.accept();
      await settle();
      expect(second.pending()).toBe('EPBES');
      for (let i = 0; i < 5; i++) await second.next();
      second.send(failure('34000', 'portal "none" does not exist'), encodeReadyForQuery('I'));
      await settle();
      expect(second.pending()).toBe('PBES');
    },
  );

  test('a name taken is refused in Postgres’ words, and the rest of the segment is skipped', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, () => failure('26000', 'no such statement'));
    await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
    a.heard();
    server.asked();
    await a.send(encodeParse('s', 'SELECT 2'));
    // Postgres looks at the text first; then the segment has to fail.
    expect(server.asked()).toEqual(['Parse _postern_2 SELECT 2', 'Bind _postern_none']);
  });

  test('of ours are nobody’s: a caller who guesses one is told that it does not exist', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
    server.asked();
    await a.send(encodeBind({ statement: '_postern_1' }));
    expect(server.asked()).toEqual(['Bind _postern_none']);
  });

  test('given by a Parse that fails are free again', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeParse('s', 'nonsense'), encodeSync());
    await connection.next();
    await connection.next();
    connection.send(failure('42601', 'syntax error'), encodeReadyForQuery('I'));
    await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
    // The failed text is not on the connection either.
    expect(connection.pending()).toBe('PS');
    expect(a.heard()).toEqual(['ERROR 42601 syntax error', 'ReadyForQuery I']);
  });

  test('beyond the limit of a session are refused with the limit', async () => {
    const { postgres, open } = createTestEngine({ limits: { maxSessionStatements: 1 } });
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeParse('one', 'SELECT 1'), encodeParse('two', 'SELECT 2'), encodeSync());
    expect(connection.pending()).toBe('PBS');
    for (let i = 0; i < 3; i++) await connection.next();
    connection.send(Uint8Array.of(0x31, 0, 0, 0, 4), failure('26000', 'no such'), encodeReadyForQuery('I'));
    await a.send();
    expect(a.heard()).toEqual([
      'ParseComplete',
      'ERROR 53400 a session may hold 1 prepared statements',
      'ReadyForQuery I',
    ]);
  });
});

describe('a Parse of a text that others have prepared', () => {
  async function createPrepared() {
    const engine = createTestEngine();
    const a = await engine.open();
    const server = await answering(engine.postgres);
    await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
    server.asked();
    const b = await engine.open();
    return { ...engine, a, b, server };
  }
  const anew = ['Close', 'Parse _postern_1_1 SELECT 1'];

  test('has Postgres look whether it still stands, if it was a moment ago', async () => {
    const { b, server, pass } = await createPrepared();
    await pass(900);
    await b.send(encodeParse('t', 'SELECT 1'), encodeSync());
    expect(server.asked()).toEqual(['Describe', 'Sync']);
    expect(b.heard()).toEqual(['ParseComplete', 'ReadyForQuery I']);
  });

  test('is one if it was longer ago: names and types may mean something else, and Postgres would not say so', async () => {
    const { a, b, server, pass } = await createPrepared();
    await pass(1_100);
    await b.send(encodeParse('t', 'SELECT 1'), encodeSync());
    expect(server.asked()).toEqual([...anew, 'Sync']);
    expect(b.heard()).toEqual(['ParseComplete', 'ReadyForQuery I']);
    // For everybody, lest it depended on the connection what it means.
    await a.send(...bindAndRun('s'));
    expect(server.asked()).toEqual(['Bind _postern_1_1', 'Execute', 'Sync']);
  });

  test('is one if DDL has come since, whoever has it done', async () => {
    const { b, server, open, postgres } = await createPrepared();
    const owner = await open({ identity: { ...identity, id: 'owner' } });
    await answering(postgres);
    await owner.send(encodeQuery('ALTER TABLE t ALTER COLUMN c TYPE bigint'));
    await b.send(encodeParse('t', 'SELECT 1'), encodeSync());
    expect(server.asked()).toEqual(expect.arrayContaining([...anew, 'Sync']));
  });
});

test('a session that serves one request after another parses for each, within reason', async () => {
  const { open, postgres, pass } = createTestEngine();
  const a = await open();
  const server = await answering(postgres);
  await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
  await pass(1_100);
  await a.send(...bindAndRun('s'));
  a.session.isSpare = true;
  a.session.isSpare = false;
  server.asked();
  await a.send(...bindAndRun('s'));
  expect(server.asked()).toEqual(['Close', 'Parse _postern_1_1 SELECT 1', 'Bind _postern_1_1', 'Execute', 'Sync']);
  await a.send(...bindAndRun('s'));
  expect(server.asked()).toEqual(['Bind _postern_1_1', 'Execute', 'Sync']);
});

describe('the unnamed statement', () => {
  test('stays its session’s, whatever others do on the connection in between', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeParse('', 'SELECT 1'), encodeSync());
    const b = await open();
    await b.send(encodeParse('', 'SELECT 2'), ...bindAndRun(''));
    server.asked();
    a.heard();
    await a.send(...bindAndRun(''));
    expect(server.asked()).toEqual(['Parse  SELECT 1', 'Bind ', 'Execute', 'Sync']);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('is there again when its Close was skipped', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, () => failure('22012', 'division by zero'));
    await a.send(encodeParse('', 'SELECT 1/0'), encodeBind({}), encodeExecute(), encodeClose('S', ''), encodeSync());
    server.asked();
    await a.send(...bindAndRun(''));
    expect(server.asked()).toEqual(['Parse  SELECT 1/0', 'Bind ', 'Execute', 'Sync']);
  });

  test('is there again when the Query that would have dropped it was skipped', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeParse('', 'SELECT 1/0'), encodeBind({}), encodeExecute(), encodeQuery('SELECT 2'), encodeSync());
    connection.send(
      Uint8Array.of(0x31, 0, 0, 0, 4, 0x32, 0, 0, 0, 4),
      failure('22012', 'division by zero'),
      encodeReadyForQuery('I'),
    );
    await a.send(...bindAndRun(''));
    expect(a.heard().slice(-2)).toEqual(['ERROR 22012 division by zero', 'ReadyForQuery I']);
    // On a fresh connection, since Postgres does not take a Query behind an open segment well.
    const fresh = await answering(postgres);
    await a.send();
    expect(fresh.asked()).toEqual(['Parse  SELECT 1/0', 'Bind ', 'Execute', 'Sync']);
  });

  test('is not used by a later segment before its Parse is answered', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeParse('', 'SELECT 1'), encodeSync());
    await a.send(...bindAndRun(''));
    expect(connection.pending()).toBe('PSH');
    connection.send(Uint8Array.of(0x31, 0, 0, 0, 4), encodeReadyForQuery('I'));
    await a.send();
    expect(connection.pending()).toBe('PSHBES');
  });

  test('of another session is not there for one that has none', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeParse('', 'SELECT 1'), encodeSync());
    const b = await open();
    server.asked();
    await b.send(...bindAndRun(''));
    expect(server.asked()).toEqual(['Close', 'Bind ', 'Execute', 'Sync']);
  });

  test('needs nothing where nobody else was on the connection', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeParse('', 'SELECT 1'), encodeSync());
    server.asked();
    await a.send(...bindAndRun(''));
    expect(server.asked()).toEqual(['Bind ', 'Execute', 'Sync']);
  });
});

test('a message that makes no sense is Postgres’ to refuse', async () => {
  const { postgres, open } = createTestEngine();
  const a = await open();
  const connection = await postgres.nextConnection();
  await connection.accept();
  const withoutEnd = Uint8Array.of(0x50, 0, 0, 0, 6, 0x41, 0x42);
  await a.send(withoutEnd, encodeSync());
  expect(connection.pending()).toBe('PS');
  // Close of a statement, without a name and with one that does not end.
  await a.send(Uint8Array.of(0x43, 0, 0, 0, 5, 0x53), Uint8Array.of(0x43, 0, 0, 0, 6, 0x53, 0x41), encodeSync());
  expect(connection.pending()).toBe('PSCCS');
});
