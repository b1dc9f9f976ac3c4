// Requests of one caller share sessions and statements; nothing of it may show. Through the whole gateway to a real
// Postgres, on one connection, so that whatever stays behind meets the next request.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from './server.ts';

let database: TestDatabase;
let gateway: RunningGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    poolSize: 1,
    log: () => {},
  });
});

afterAll(async () => {
  await gateway?.close(0);
  await database?.drop();
});

interface Answer {
  rows: Record<string, unknown>[];
  message?: string;
  code?: string;
}

async function post(body: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${gateway.httpAddress.port}/sql`, {
    method: 'POST',
    headers: { 'Neon-Connection-String': database.url },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

const sql = (query: string, ...params: unknown[]): Promise<Answer> => post({ query, params });

/** Until the statement goes by its name: the first use is remembered, the second prepares it. */
async function repeat(query: string, ...params: unknown[]): Promise<Answer> {
  await sql(query, ...params);
  await sql(query, ...params);
  return sql(query, ...params);
}

async function serverStatements(): Promise<string[]> {
  const { rows } = await sql('select statement from pg_prepared_statements');
  return rows.map(({ statement }) => String(statement));
}

describe('a request leaves nothing to the next', () => {
  const leaves: [what: string, leave: string, look: string, expected: unknown][] = [
    ['setting', "select set_config('work_mem', '1234kB', false)", "select current_setting('work_mem') as x", '4MB'],
    ['SET', "set work_mem = '1234kB'", "select current_setting('work_mem') as x", '4MB'],
    [
      'setting of its own',
      "select set_config('my.tenant', '7', false)",
      "select current_setting('my.tenant', true) as x",
      '',
    ],
    ['temporary table', 'create temp table left_over (a int)', "select to_regclass('left_over')::text as x", null],
    [
      'advisory lock',
      'select pg_advisory_lock(4711)',
      "select count(*)::int as x from pg_locks where locktype = 'advisory'",
      0,
    ],
    ['channel', 'listen left_over', 'select count(*)::int as x from pg_listening_channels()', 0],
    ['role', 'set role pg_read_all_data', 'select (current_user = session_user)::text as x', 'true'],
  ];
  test.each(leaves)('%s', async (_, leave, look, expected) => {
    await repeat(look);
    expect(await sql(leave)).not.toHaveProperty('message');
    const after = (await sql(look)).rows[0]?.x;
    expect(after ?? null).toBe(expected === '' ? (after ?? null) : expected);
    if (expected === '') expect(['', null, undefined]).toContain(after);
  });

  test('statement made by PREPARE', async () => {
    await sql('prepare left_over as select 1');
    expect(await sql('execute left_over')).toMatchObject({ code: '26000' });
  });

  test('transaction that fails in a batch', async () => {
    await sql('create table kept (a int)');
    expect(await post({ queries: [{ query: 'insert into kept values (1)' }, { query: 'select 1/0' }] })).toMatchObject({
      code: '22012',
    });
    expect((await sql('select count(*)::int as n from kept')).rows).toEqual([{ n: 0 }]);
    await post({ queries: [{ query: 'insert into kept values (1)' }, { query: 'select 1' }] });
    expect((await sql('select count(*)::int as n from kept')).rows).toEqual([{ n: 1 }]);
  });
});

test('a statement that comes again is prepared once, one that does not is not', async () => {
  const texts = Array.from({ length: 3 }, (_, index) => `select ${index} as once`);
  for (const text of texts) await sql(text);
  for (let times = 0; times < 5; times++)
    expect((await sql('select $1::int as again', times)).rows).toEqual([{ again: times }]);
  const statements = await serverStatements();
  expect(statements.filter((text) => text.endsWith('as again'))).toHaveLength(1);
  expect(statements.filter((text) => text.endsWith('as once'))).toEqual([]);
});

describe('a prepared statement behaves as if it were not', () => {
  test('when its table changes', async () => {
    await sql('create table changing (a int)');
    await sql('insert into changing values (1)');
    expect((await repeat('select * from changing')).rows).toEqual([{ a: 1 }]);
    await sql('alter table changing add column b text');
    expect((await sql('select * from changing')).rows).toEqual([{ a: 1, b: null }]);
  });

  test('when a column becomes one of another type', async () => {
    await sql('create table typed (a int)');
    const insert = 'insert into typed values ($1)';
    await repeat(insert, '1');
    await sql('alter table typed alter column a type text');
    expect(await sql(insert, 'no number')).not.toHaveProperty('message');
    expect((await sql('select a from typed order by a')).rows.map(({ a }) => a)).toEqual(['1', '1', '1', 'no number']);
  });

  test.each([
    ['a value that is none', 'select $1::int as wrong', ['x']],
    ['too few values', 'select $1::int + $2::int as few', ['1']],
    ['too many values', 'select $1::int as many', ['1', '2']],
    ['a division by zero', 'select 1 / $1::int as zero', ['0']],
  ])('with %s', async (_, query, params) => {
    const fresh = await sql(`${query} `, ...params);
    await repeat(query, ...Array.from({ length: query.split('$').length - 1 }, () => '1'));
    const { message, code, position, routine } = (await sql(query, ...params)) as Answer & Record<string, string>;
    expect({ message, code, position, routine }).toMatchObject({
      message: fresh.message,
      code: fresh.code,
      ...{ position: (fresh as never as Record<string, string>).position },
    });
    expect(
      (await sql(query, ...Array.from({ length: query.split('$').length - 1 }, () => '1'))).message,
    ).toBeUndefined();
  });
});
