// Streamed rows over HTTP, through the whole gateway to a real Postgres.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { connectRaw, createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningGateway, startGateway } from './server.ts';

let database: TestDatabase;
let gateway: RunningGateway;
const log: Record<string, unknown>[] = [];
const requests: ClientRequest[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    poolSize: 2,
    log: (event) => void log.push({ ...event }),
  });
});

afterEach(() => {
  for (const request of requests.splice(0)) request.destroy();
});

afterAll(async () => {
  await gateway?.close(0);
  await database?.drop();
});

interface Line {
  fields?: { name: string; dataTypeID: number }[];
  command?: string;
  rowCount?: number | null;
  error?: { code: string; message: string };
}

function post(body: unknown, headers: Record<string, string> = { 'Postern-Stream': 'true' }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...{ host: '127.0.0.1', port: gateway.httpAddress.port, path: '/sql', method: 'POST' },
        headers: { 'Neon-Connection-String': database.url, ...headers },
      },
      resolve,
    );
    requests.push(request);
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

async function stream(query: string, params: unknown[] = []): Promise<IncomingMessage> {
  const response = await post({ query, params });
  expect(response.statusCode).toBe(200);
  return response;
}

async function linesOf(response: IncomingMessage): Promise<(Line & string[])[]> {
  const lines: (Line & string[])[] = [];
  for await (const line of createInterface({ input: response })) lines.push(JSON.parse(line));
  return lines;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

async function active(marker: string): Promise<{ wait_event: string | null }[]> {
  return database.query(
    `SELECT wait_event FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()`,
    [`%${marker}%`],
  );
}

describe('a streamed result', () => {
  it('has the fields and rows of a whole one', async () => {
    const query = `SELECT i AS n, CASE WHEN i % 2 = 0 THEN 'a "b" \\ ' || chr(10) || 'é😀' END AS t, '{1,2}'::int[] AS a, NULL AS "null"
      FROM generate_series(1, $1::int) i`;
    const whole = JSON.parse(
      await textOf(await post({ query, params: [500] }, { 'Neon-Raw-Text-Output': 'true', 'Neon-Array-Mode': 'true' })),
    );
    const response = await stream(query, [500]);
    expect(response.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'transfer-encoding': 'chunked',
      'postern-version': '1',
      'neon-request-id': expect.any(String),
    });
    const [head, ...rows] = await linesOf(response);
    const end = rows.pop();
    expect(head).toEqual({ fields: whole.fields });
    expect(rows).toEqual(whole.rows);
    expect(end).toEqual({ command: 'SELECT', rowCount: 500 });
  });

  it.each([
    ['CREATE TABLE made (id int)', { fields: [] }, { command: 'CREATE', rowCount: null }],
    ['INSERT INTO made SELECT generate_series(1, 3)', { fields: [] }, { command: 'INSERT', rowCount: 3 }],
    ['', { fields: [] }, { command: '', rowCount: null }],
    [
      'SELECT 1 AS one WHERE false',
      { fields: [expect.objectContaining({ name: 'one' })] },
      { command: 'SELECT', rowCount: 0 },
    ],
  ])('without rows: %j', async (query, head, end) => {
    expect(await linesOf(await stream(query))).toEqual([head, end]);
  });

  it('with an error before the first row is an ordinary error', async () => {
    for (const query of ['SELECT nothing', 'SELECT 1 / (i - 1) FROM generate_series(1, 5) i']) {
      const response = await post({ query });
      expect(response.statusCode).toBe(400);
      expect(response.headers['content-type']).toBe('application/json');
      expect(JSON.parse(await textOf(response))).toMatchObject({
        severity: 'ERROR',
        code: /nothing/.test(query) ? '42703' : '22012',
      });
    }
  });

  it('with an error behind rows ends with it', async () => {
    const lines = await linesOf(await stream('SELECT 1 / (4 - i) FROM generate_series(1, 9) i'));
    expect(lines.slice(1, -1)).toEqual([['0'], ['0'], ['1']]);
    expect(lines.at(-1)?.error).toMatchObject({ code: '22012', message: 'division by zero' });
    expect(Object.keys(lines.at(-1)?.error ?? {})).toHaveLength(17);
  });

  it('is for one statement only', async () => {
    const response = await post({ queries: [{ query: 'SELECT 1' }] });
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(await textOf(response))).toMatchObject({ gatewayCode: 'invalid_body' });
  });

  it('is logged when it is over', async () => {
    const response = await stream("SELECT 'logged' FROM generate_series(1, 10)");
    const requestId = response.headers['neon-request-id'];
    const bytes = (await textOf(response)).length;
    expect(log.filter((event) => event.requestId === requestId)).toEqual([
      expect.objectContaining({ event: 'http_sql', status: 200, statements: 1, responseBytes: bytes }),
    ]);
  });

  it('begins before its last row exists', async () => {
    const holder = await connectRaw({ ...database, database: database.name });
    await holder.query('SELECT pg_advisory_lock(42)');
    // Postgres sends in portions of 8 KiB, so rows have to be large to leave one by one.
    const response =
      await stream(`SELECT i, repeat('x', 10000), pg_advisory_xact_lock(CASE WHEN i = 4 THEN 42 ELSE i END)
      FROM generate_series(1, 5) i /* blocked */`);
    const lines = createInterface({ input: response })[Symbol.asyncIterator]();
    const next = async (): Promise<Line & string[]> => JSON.parse((await lines.next()).value);
    expect((await next()).fields).toHaveLength(3);
    expect((await next())[0]).toBe('1');
    expect((await next())[0]).toBe('2');
    expect(await active('blocked')).toEqual([{ wait_event: 'advisory' }]);
    await holder.end();
    const rest = [await next(), await next(), await next(), await next()];
    expect(rest.map((line) => line[0] ?? line.rowCount)).toEqual(['3', '4', '5', 5]);
  });
});

describe('a caller who leaves', () => {
  it('cancels the query, and the connection serves the next one', async () => {
    const response = await stream(
      "SELECT repeat('x', 10000), pg_sleep(0.01) FROM generate_series(1, 100000) /* left */",
    );
    await new Promise((resolve) => response.once('data', resolve));
    expect(await active('left')).toHaveLength(1);
    response.destroy();
    await expect.poll(() => active('left')).toEqual([]);
    expect(await linesOf(await stream('SELECT 1'))).toHaveLength(3);
    expect(gateway.stats().sessions.pooled).toBe(0);
  });

  it('before the first row cancels it too', async () => {
    const leaving = post({ query: 'SELECT pg_sleep(60) /* early */' });
    await expect.poll(() => active('early')).toHaveLength(1);
    requests.at(-1)?.destroy();
    await expect(leaving).rejects.toThrow();
    await expect.poll(() => active('early')).toEqual([]);
  });
});

describe('a hundred thousand rows', () => {
  const rows = 100_000;
  const query = `SELECT i, repeat('x', 2000) FROM generate_series(1, ${rows}) i /* many */`;

  it('pass through in flat memory', async () => {
    const response = await stream(query);
    const before = process.memoryUsage().rss;
    let highest = before;
    let bytes = 0;
    let newlines = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) newlines++;
      highest = Math.max(highest, process.memoryUsage().rss);
    }
    expect(newlines).toBe(rows + 2);
    const megabytes = (count: number): string => `${(count / 1_048_576).toFixed(0)} MiB`;
    console.log(
      `streamed ${rows} rows, ${megabytes(bytes)}: RSS of gateway and caller together ${megabytes(before)} before, ${megabytes(highest)} at most`,
    );
    expect(highest - before).toBeLessThan(bytes / 2);
  });

  it('wait in Postgres while the caller does not read', async () => {
    const response = await stream(query);
    response.pause();
    await expect.poll(() => active('many')).toEqual([{ wait_event: 'ClientWrite' }]);
    // Other callers are served meanwhile.
    expect(await linesOf(await stream('SELECT 1'))).toHaveLength(3);
    await expect.poll(() => active('many')).toEqual([{ wait_event: 'ClientWrite' }]);
    const lines = await linesOf(response);
    expect(lines).toHaveLength(rows + 2);
    expect(lines.at(-1)).toEqual({ command: 'SELECT', rowCount: rows });
  });
});
