// Against a real gateway and Postgres; what the official driver does wrong (reference/neon-driver-api.md §9) is marked "§9".
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as official from '@neondatabase/serverless';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type NeonQueryPromise, neon, neonConfig, PosternError, postern, SqlTemplate, types } from '../http.ts';
import { behaviour, errorOf } from '../testing/behaviour.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway.fixture.ts';
import { typeParsers } from '../types.ts';

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
  official.neonConfig.fetchEndpoint = `http://127.0.0.1:${gateway.port}/sql`;
  official.neonConfig.disableWarningInBrowsers = true;
});
afterAll(() => gateway.close());

/** A server that answers as told, and what it was asked. */
async function scripted(
  answer: (request: IncomingMessage, response: ServerResponse, body: string, count: number) => void,
): Promise<{ url: string; requests: { headers: IncomingMessage['headers']; body: unknown }[]; close(): void }> {
  const requests: { headers: IncomingMessage['headers']; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ headers: request.headers, body: JSON.parse(body) });
    answer(request, response, body, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://u:s3cret@127.0.0.1:${port}/d`, requests, close: () => server.close() };
}

const oneRow = JSON.stringify({
  fields: [
    { name: 'n', dataTypeID: 23, tableID: 0, columnID: 0, dataTypeSize: 4, dataTypeModifier: -1, format: 'text' },
  ],
  rows: [['1']],
  command: 'SELECT',
  rowCount: 1,
  rowAsArray: true,
});
const batch = (count: number): string => `{"results":[${Array(count).fill(oneRow)}]}`;

describe('equal to the official driver', () => {
  test.each(behaviour.filter(({ name }) => name.startsWith('http')))('$name', async ({ run }) => {
    const driver = { neon } as never; // the HTTP half of it
    const ours = await run(driver, gateway.url());
    const theirs = await run(official as never, gateway.url());
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(ours)).not.toContain('XX000');
  });
});

describe('a query', () => {
  test('§9 runs once, however often it is awaited', async () => {
    await gateway.database.query('CREATE TABLE once (n int)');
    const sql = postern(gateway.url());
    const insert = sql`INSERT INTO once VALUES (1)`;
    await Promise.all([insert, insert.then(() => {}), insert.finally(() => {}), insert.catch(() => {})]);
    await insert;
    expect(await gateway.database.query('SELECT count(*)::int AS n FROM once')).toEqual([{ n: 1 }]);
  });

  test('is not sent before it is awaited', async () => {
    const server = await scripted((_, response) => response.end(oneRow));
    const query = postern(server.url)`SELECT 1`;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.requests).toEqual([]);
    await query;
    expect(server.requests).toHaveLength(1);
    server.close();
  });

  // Next.js with `cacheComponents` ends the build at a component that does so before it has waited for something.
  test('looks at no clock and throws no dice before it is sent', async () => {
    const unstable = [vi.spyOn(Date, 'now'), vi.spyOn(Math, 'random'), vi.spyOn(crypto, 'getRandomValues')];
    const used: number[] = [];
    neonConfig.fetchFunction = async () => {
      used.push(...unstable.map((spy) => spy.mock.calls.length));
      return new Response(oneRow);
    };
    const sql = postern('postgres://u:p@127.0.0.1:1/d');
    await sql`SELECT 1`;
    await sql.stream`SELECT 1`.next();
    await sql.begin((tx) => tx.commitWith`SELECT 1`).catch(() => {});
    neonConfig.fetchFunction = undefined;
    for (const spy of unstable) spy.mockRestore();
    expect(used).toEqual(Array(9).fill(0));
  });

  test('is a Promise to look at', () => {
    const query = postern(gateway.url())`SELECT 1`;
    expect(Object.prototype.toString.call(query)).toBe('[object NeonQueryPromise]');
  });

  test('§9 has a generic row type', async () => {
    const sql = postern(gateway.url());
    const rows = await sql<{ n: number }>`SELECT 1 AS n`;
    const first: number | undefined = rows[0]?.n;
    const [row] = await sql.query<[number]>('SELECT 1 AS n', [], { arrayMode: true });
    const typed: NeonQueryPromise<false, true, { rows: { n: number }[] }> = sql.query<{ n: number }, true>(
      'SELECT 1 AS n',
      [],
      { fullResults: true },
    );
    expect([first, row?.[0], (await typed).rows[0]?.n]).toEqual([1, 1, 1]);
  });

  test('called as a function it says how it is meant', () => {
    const sql = postern(gateway.url()) as unknown as (text: string) => void;
    expect(() => sql('SELECT 1')).toThrow(/tagged-template function/);
  });

  test('a column called __proto__ is a value like any other', async () => {
    const [row] = await postern(gateway.url())`SELECT 1 AS "__proto__"`;
    expect(Object.entries(row ?? {})).toEqual([['__proto__', 1]]);
  });
});

describe('helpers', () => {
  const text = (piece: unknown): unknown => (piece as SqlTemplate).toParameterizedQuery();

  test('identifier', async () => {
    const sql = postern(gateway.url());
    expect(sql.identifier('public', 'we"ird').sql).toBe('"public"."we""ird"');
    expect(await sql`SELECT ${1}::int AS ${sql.identifier('we"ird')}`).toEqual([{ 'we"ird': 1 }]);
  });

  test('in', async () => {
    const sql = postern(gateway.url());
    expect(await sql`SELECT n FROM generate_series(1, 5) AS n WHERE n IN ${sql.in([2, 4])}`).toEqual([
      { n: 2 },
      { n: 4 },
    ]);
  });

  test('values of objects and of arrays', async () => {
    await gateway.database.query("CREATE TABLE bulk (a int, b text DEFAULT 'none', c int)");
    const sql = postern(gateway.url());
    await sql`INSERT INTO bulk ${sql.values([{ a: 1, b: 'x' }, { a: 2 }, { a: 3, b: null, c: 3 }])}`;
    await sql`INSERT INTO bulk ${sql.values([[4, 'y']], ['a', 'b'])}`;
    await sql`INSERT INTO bulk ${sql.values([[5, 'z', 5]])}`;
    expect(await sql`SELECT * FROM bulk ORDER BY a`).toEqual([
      { a: 1, b: 'x', c: null },
      { a: 2, b: 'none', c: null },
      { a: 3, b: null, c: 3 },
      { a: 4, b: 'y', c: null },
      { a: 5, b: 'z', c: 5 },
    ]);
    for (const wrong of [[], undefined] as never[]) {
      for (const run of [sql.values, sql.in, sql.identifier]) expect(() => run(wrong)).toThrow(PosternError);
    }
    for (const rows of [[[]], [{}], [[1], [1, 2]], [[1], { a: 1 }], [{ a: 1 }, [1, 2]]]) {
      await expect(sql`INSERT INTO bulk ${sql.values(rows)}`).rejects.toBeInstanceOf(PosternError);
    }
  });

  test('join', () => {
    const sql = postern(gateway.url());
    expect(text(sql.join([sql`a = ${1}`, sql`b = ${2}`], ' AND '))).toEqual({
      query: 'a = $1 AND b = $2',
      params: [1, 2],
    });
    expect(text(sql.join([]))).toEqual({ query: '', params: [] });
    expect(text(sql.join([1, 2]))).toEqual({ query: '$1, $2', params: [1, 2] });
  });

  test('§9 an array of fragments is refused, a bare template spliced in', async () => {
    const sql = postern(gateway.url());
    await expect(sql`SELECT ${[sql`1`, sql`2`]}`).rejects.toThrow(/sql.join/);
    expect(await sql`SELECT ${new SqlTemplate(['', '::int'], [7])} AS n`).toEqual([{ n: 7 }]);
  });

  test('fragments of another copy of the package are fragments', async () => {
    const sql = postern(gateway.url());
    const foreign = official.neon(gateway.url())`${3}::int`;
    expect(await sql`SELECT ${foreign} AS n`).toEqual([{ n: 3 }]);
    expect(await sql.transaction([foreign, sql`SELECT 2 AS n`] as never).catch((error) => error.code)).toBe('42601');
    expect(await sql.transaction([official.neon(gateway.url())`SELECT 1 AS n`] as never)).toEqual([[{ n: 1 }]]);
  });
});

describe('options at every level', () => {
  test('§9 types', async () => {
    const upper = { getTypeParser: () => (value: string) => `<${value}>` };
    const sql = postern(gateway.url(), { types: upper });
    expect(await sql`SELECT 1 AS n`).toEqual([{ n: '<1>' }]);
    expect(await sql.query('SELECT 1 AS n', [], { types })).toEqual([{ n: 1 }]);
    expect(await sql.transaction([sql`SELECT 1 AS n`, sql.query('SELECT 1 AS n', [], { types })])).toEqual([
      [{ n: '<1>' }],
      [{ n: 1 }],
    ]);
    expect(await postern(gateway.url()).transaction([sql`SELECT 1 AS n`], { types: upper })).toEqual([[{ n: '<1>' }]]);
  });

  test('§9 authToken and fetchOptions; headers are added, not replaced', async () => {
    const server = await scripted((_, response, body) => response.end(body.includes('queries') ? batch(1) : oneRow));
    const sql = postern(server.url, { authToken: () => 'outer', fetchOptions: { headers: { 'X-One': '1' } } });
    await sql`SELECT 1`;
    await sql.query('SELECT 1', [], { authToken: async () => 'inner', fetchOptions: { headers: [['X-Two', '2']] } });
    await sql.transaction([sql`SELECT 1`], { authToken: 'transaction' });
    await sql.transaction([sql.query('SELECT 1', [], { authToken: 'element' })], { authToken: 'transaction' });
    await sql.query('SELECT 1', [], { fetchOptions: { headers: new Headers({ 'neon-array-mode': 'false' }) } });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer outer',
      'Bearer inner',
      'Bearer transaction',
      'Bearer element',
      'Bearer outer',
    ]);
    expect(server.requests[1]?.headers).toMatchObject({ 'x-one': '1', 'x-two': '2', 'neon-raw-text-output': 'true' });
    expect(server.requests[4]?.headers).toMatchObject({ 'neon-array-mode': 'false' });
    server.close();
  });

  test('a signal aborts', async () => {
    const sql = postern(gateway.url());
    for (const options of [
      { signal: AbortSignal.timeout(50) },
      { fetchOptions: { signal: AbortSignal.timeout(50) } },
    ]) {
      const error = await sql.query('SELECT pg_sleep(20)', [], options).catch((caught) => caught);
      expect(error).toMatchObject({ name: 'NeonDbError', code: '57014', safeToRetry: false });
      expect(error.sourceError).toBeInstanceOf(Error);
    }
    await expect
      .poll(() =>
        gateway.database.query(
          "SELECT * FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(20)%' AND state = 'active' AND pid <> pg_backend_pid()",
        ),
      )
      .toEqual([]);
  });

  test('cache settings are headers', async () => {
    const server = await scripted((_, response) => response.end(oneRow));
    const sql = postern(server.url);
    await sql.query('SELECT 1', [], { cache: { ttl: 60, swr: 30, tags: ['a', 'b'] } });
    expect(server.requests[0]?.headers).toMatchObject({
      'cache-control': 'max-age=60, stale-while-revalidate=30',
      'postern-cache-tags': 'a,b',
    });
    server.close();
  });

  test('the connection in parts, also by functions', async () => {
    const { database, user, password } = gateway.database as never as {
      database: string;
      user: string;
      password: string;
    };
    expect(database).toBeUndefined();
    const host = { host: '127.0.0.1', port: gateway.port, database: gateway.database.name };
    const one = postern({ ...host, user, password: async () => password });
    const two = postern(gateway.url({ password: 'wrong' }), { password });
    const three = postern({ connectionString: () => gateway.url() });
    for (const sql of [one, two, three]) expect(await sql`SELECT 1 AS n`).toEqual([{ n: 1 }]);
    await expect(
      two.query('SELECT 1', [], { connectionString: gateway.url({ password: 'wrong' }) }),
    ).rejects.toMatchObject({
      code: '28P01',
    });
  });
});

describe('where it goes', () => {
  test.each([
    ['ep-a.eu.neon.tech', '', 'https://api.eu.neon.tech/sql'],
    ['ep-a.eu.neon.tech', '5432', 'https://api.eu.neon.tech/sql'],
    ['db.example.com', '8443', 'https://db.example.com:8443/sql'],
    ['§9 localhost', '', 'http://localhost:4444/sql'],
    ['localhost', '5432', 'http://localhost:4444/sql'],
    ['localhost', '8080', 'http://localhost:8080/sql'],
    ['localhost', '80', 'http://localhost:80/sql'],
    ['§9 127.0.0.1', '8080', 'http://127.0.0.1:8080/sql'],
    ['10.0.0.1', '', 'https://10.0.0.1/sql'],
    ['[::1]', '99', 'http://[::1]:99/sql'],
    ['gateway', '', 'https://gateway/sql'],
  ])('%s %s', async (host, port, expected) => {
    const asked: string[] = [];
    neonConfig.fetchFunction = async (url) => {
      asked.push(url);
      return new Response(oneRow);
    };
    await postern(`postgres://u:p@${host.replace('§9 ', '')}${port && `:${port}`}/d`)`SELECT 1`.finally(() => {
      neonConfig.fetchFunction = undefined;
    });
    expect(asked).toEqual([expected]);
  });

  test('a token goes to apiauth; endpoint and fetchEndpoint win', async () => {
    const asked: string[] = [];
    neonConfig.fetchFunction = async (url) => {
      asked.push(url);
      return new Response(oneRow);
    };
    const url = 'postgres://u@ep.neon.tech/d';
    await postern(url, { authToken: 't' })`SELECT 1`;
    neonConfig.fetchEndpoint = (host, port, { jwtAuth }) => `https://x/${host}/${port}/${jwtAuth}`;
    await postern(url)`SELECT 1`;
    await postern(url, { endpoint: 'https://own/sql' })`SELECT 1`;
    neonConfig.fetchEndpoint = undefined;
    neonConfig.fetchFunction = undefined;
    expect(asked).toEqual(['https://apiauth.neon.tech/sql', 'https://x/ep.neon.tech//false', 'https://own/sql']);
  });
});

describe('errors', () => {
  test.each([
    ['no scheme', 'u:s3cret@host/d'],
    ['another scheme', 'mysql://u:s3cret@host/d'],
    ['not a URL', 'postgres://u:s3cret@ho st/d'],
    ['no database', 'postgres://u:s3cret@host'],
    ['no user', 'postgres://host/d?x=s3cret'],
    ['nothing', ''],
    ['undefined', undefined as unknown as string],
  ])('§9 a connection string with %s is not repeated', async (_, url) => {
    const error = await postern(url)`SELECT 1`.then(
      () => undefined,
      (caught) => caught,
    );
    expect(error).toBeInstanceOf(PosternError);
    expect(error).toMatchObject({ kind: 'usage', safeToRetry: false });
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('s3cret');
  });

  test('a fetch that quotes the header it dislikes does not give the password away', async () => {
    neonConfig.fetchFunction = async (_, init) => {
      throw new TypeError(`invalid header value ${JSON.stringify(init.headers)}`);
    };
    const error = await postern('postgres://u:s3cret@host/d')`SELECT 1`.catch((caught) => caught);
    neonConfig.fetchFunction = undefined;
    expect(error).toMatchObject({ kind: 'connection', code: '08006' });
    expect(`${error.message} ${error.sourceError} ${JSON.stringify(error)}`).not.toContain('s3cret');
  });

  test('a server that echoes the request does not give the password away', async () => {
    const server = await scripted((request, response) => {
      response.writeHead(500).end(`${'-'.repeat(262)}received ${request.headers['neon-connection-string']}`);
    });
    const error = await postern(server.url)`SELECT 1`.catch((caught) => caught);
    expect(error.message).toMatch(/^Server error \(HTTP status 500\): -*received postgresql:\/\/127/);
    server.close();
  });

  test.each([302, 307, 308])('a redirection (%d) is one: the connection string goes nowhere else', async (status) => {
    const other = await scripted((_, response) => response.end(oneRow));
    const location = other.url.replace(/.*@/, 'http://');
    const server = await scripted((_, response) => response.writeHead(status, { location }).end('elsewhere'));
    await expect(postern(server.url)`SELECT 1`).rejects.toMatchObject({
      kind: 'protocol',
      status,
      message: `Server error (HTTP status ${status}): elsewhere`,
    });
    expect(other.requests).toEqual([]);
    // Whoever knows better can say so.
    if (status !== 302) {
      const sql = postern(server.url, { fetchOptions: { redirect: 'follow' } });
      expect(await sql`SELECT 1`).toEqual([{ n: 1 }]);
    }
    server.close();
    other.close();
  });

  test('an error that is a text only is quoted', async () => {
    const server = await scripted((_, response) => response.writeHead(400).end('"not here"'));
    const error = await postern(server.url)`SELECT 1`.catch((caught) => caught);
    expect(error).toMatchObject({ kind: 'protocol', message: 'Server error (HTTP status 400): "not here"' });
    expect(Object.keys(error)).not.toContain('0');
    server.close();
  });

  test('non-latin characters in the string reach Postgres', async () => {
    const error = await postern(gateway.url({ user: 'müßig€' }))`SELECT 1`.catch((caught) => caught);
    expect(error).toMatchObject({ code: '28P01' });
  });

  test.each([
    ['§9 a body that is not JSON', 200, '<html>', 'protocol'],
    ['§9 an empty body', 204, '', 'protocol'],
    ['§9 JSON of another kind', 200, '{"a":1}', 'protocol'],
    ['§9 null', 200, 'null', 'protocol'],
    ['§9 an error that is not JSON', 400, 'bad request', 'protocol'],
    ['a gateway timeout', 504, 'upstream', 'protocol'],
  ])('%s', async (_, status, body, kind) => {
    const server = await scripted((_request, response) => {
      response.writeHead(status, { 'Neon-Request-Id': 'id-1' }).end(body);
    });
    const sql = postern(server.url);
    for (const run of [() => sql`SELECT 1`, () => sql.transaction([sql`SELECT 1`])]) {
      const error = await run().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(PosternError);
      expect(error).toMatchObject({ kind, requestId: 'id-1', safeToRetry: false });
    }
    expect(server.requests).toHaveLength(2);
    server.close();
  });

  const n = { name: 'n', dataTypeID: 23 };
  test.each([
    { fields: [null], rows: [['1']] },
    { fields: [n], rows: [null] },
    { fields: [{ ...n, dataTypeID: 114 }], rows: [['{']] },
    { fields: [{ ...n, dataTypeID: 114 }], rows: [[{ parsed: 1 }]] },
    { fields: [{ ...n, dataTypeID: 1007 }], rows: [['{1']] },
    { fields: [{ ...n, dataTypeID: 1007 }], rows: [[[1, 2]]] },
    { fields: [{ ...n, dataTypeID: 1082 }], rows: [[5]] },
    { fields: [n], rows: {} },
  ])('§9 a result no program can make sense of: %j', async (result) => {
    const text = JSON.stringify(result);
    const lines = [{ fields: result.fields }, ...Object.values(result.rows)].map((line) => `${JSON.stringify(line)}\n`);
    const server = await scripted((request, response, body) => {
      if (request.headers['postern-stream']) {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(lines.join(''));
      } else response.end(body.includes('queries') ? `{"results":[${text}]}` : text);
    });
    const sql = postern(server.url);
    const stream = async (): Promise<void> => {
      for await (const _ of sql.stream`SELECT 1`);
    };
    for (const run of [() => sql`SELECT 1`, () => sql.transaction([sql`SELECT 1`]), stream]) {
      const error = await Promise.resolve(run()).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(PosternError);
      expect(error).toMatchObject({ kind: expect.stringMatching(/protocol|connection/), safeToRetry: false });
    }
    server.close();
  });

  test('what a parser of the program throws is kept', async () => {
    const mine = new RangeError('mine');
    const throwing = {
      getTypeParser: () => () => {
        throw mine;
      },
    };
    const error = await postern(gateway.url(), { types: throwing })`SELECT 1`.catch((caught) => caught);
    expect(error).toBeInstanceOf(PosternError);
    expect(error.sourceError).toBe(mine);
  });

  test.each([413, 500, 507])('§9 status %d keeps code and fields', async (status) => {
    const server = await scripted((_, response) => {
      response
        .writeHead(status)
        .end(JSON.stringify({ message: 'too much', code: '54000', hint: 'less', detail: null }));
    });
    const error = await postern(server.url)`SELECT 1`.catch((caught) => caught);
    expect(error).toMatchObject({ message: 'too much', code: '54000', hint: 'less', status });
    expect(error.detail).toBeUndefined();
    server.close();
  });

  test('§9 have a request id; a batch tells which statement failed', async () => {
    const sql = postern(gateway.url());
    await expect(sql`SELECT 1 / 0`).rejects.toMatchObject({
      code: '22012',
      requestId: expect.stringMatching(/^[\w-]{36}$/),
    });
    await expect(sql.transaction([sql`SELECT 1`, sql`SELECT 1 / 0`])).rejects.toMatchObject({ statementIndex: 1 });
  });

  test('an auth token that cannot be had', async () => {
    const failing = (): never => {
      throw new Error('no session');
    };
    await expect(postern(gateway.url(), { authToken: failing })`SELECT 1`).rejects.toMatchObject({
      message: 'Error getting auth token: no session',
      name: 'NeonDbError',
    });
  });
});

describe('trying again', () => {
  test('§9 nobody listens yet: within connect_timeout', async () => {
    const server = await scripted((_, response) => response.end(oneRow));
    let attempts = 0;
    neonConfig.fetchFunction = async (url, init) => {
      if (attempts++ < 2) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
      return fetch(url, init as RequestInit);
    };
    expect(await postern(server.url)`SELECT 1 AS n`.finally(() => (neonConfig.fetchFunction = undefined))).toEqual([
      { n: 1 },
    ]);
    expect(attempts).toBe(3);
    server.close();
  });

  test('a refused connection gives up in time, and says so', async () => {
    const closed = await scripted(() => {});
    closed.close();
    const error = await postern(`${closed.url}?connect_timeout=0.2`)`SELECT 1`.catch((caught) => caught);
    expect(error).toMatchObject({ kind: 'connection', code: '08001', safeToRetry: true });
    expect(error.message).toMatch(/^Error connecting to database: /);
  });

  test('a database that is starting up is asked again', async () => {
    const starting = { message: 'the database system is starting up', code: '57P03', severity: 'FATAL' };
    const server = await scripted((_, response, _body, count) => {
      if (count < 3) response.writeHead(400).end(JSON.stringify(starting));
      else response.end(oneRow);
    });
    expect(await postern(server.url)`SELECT 1 AS n`).toEqual([{ n: 1 }]);
    expect(server.requests).toHaveLength(3);
    server.close();
  });

  test('a full pool of the gateway is asked again, what a procedure raises is not', async () => {
    const full = { message: 'x', code: '53300', severity: 'ERROR', safeToRetry: true };
    for (const [body, requests] of [
      [full, 2],
      [{ ...full, routine: 'exec_stmt_raise' }, 1],
    ] as const) {
      const server = await scripted((_, response, _body, count) => {
        if (count === 1) response.writeHead(400).end(JSON.stringify(body));
        else response.end(oneRow);
      });
      await postern(server.url)`SELECT 1`.catch(() => {});
      expect(server.requests).toHaveLength(requests);
      server.close();
    }
  });

  test.each([
    ['a lost connection', undefined],
    ['a serialization failure', { message: 'x', code: '40001', severity: 'ERROR', safeToRetry: true }],
    ['no connection left, said by the statement itself', { message: 'x', code: '53300', severity: 'ERROR' }],
    [
      'the pool was busy, but the statement may have run',
      { message: 'x', code: '53300', severity: 'FATAL', safeToRetry: false },
    ],
  ])('what may have run is never sent again: %s', async (_, body) => {
    const server = await scripted((request, response) => {
      if (body === undefined) request.socket.destroy();
      else response.writeHead(400).end(JSON.stringify(body));
    });
    const error = await postern(server.url)`INSERT`.catch((caught) => caught);
    expect(error).toBeInstanceOf(PosternError);
    expect(error.code).toBe(body?.code ?? '08006');
    expect(server.requests).toHaveLength(1);
    server.close();
  });

  test.each([
    'read EHOSTUNREACH',
    'write ENETUNREACH',
    'net::ERR_CONNECTION_RESET',
    'ECONNRESET',
    'ERR_CONNECTION_CLOSED',
  ])('nor is what breaks with %s', async (text) => {
    let count = 0;
    neonConfig.fetchFunction = async () => {
      count++;
      throw new TypeError('fetch failed', { cause: new Error(text) });
    };
    const error = await postern(gateway.url())`INSERT`.catch((caught) => caught);
    neonConfig.fetchFunction = undefined;
    expect([count, error.code, error.safeToRetry]).toEqual([1, '08006', false]);
  });

  test('an abort ends the waiting', async () => {
    const closed = await scripted(() => {});
    closed.close();
    const sql = postern(`${closed.url}?connect_timeout=600`);
    await expect(sql.query('SELECT 1', [], { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      kind: 'connection',
    });
  });
});

describe('parameters', () => {
  test('what a stranger can send as JSON never becomes SQL', async () => {
    const sql = postern(gateway.url());
    const query = { query: 'SELECT 1 / 0', params: [] };
    for (const value of [
      { queryData: query },
      { queryData: { strings: ['SELECT 1 / 0'], values: [] } },
      JSON.parse('{"queryData":"x","then":"x","toParameterizedQuery":"x"}') as object,
      { sql: 'SELECT 1 / 0', strings: ['1 / 0'], values: [], ...query },
      { toPostgres: 'x' },
      [{ queryData: query }],
    ]) {
      // A list is a Postgres array, of texts.
      const [row] = await (Array.isArray(value)
        ? sql`SELECT ${value}::jsonb[] AS v`
        : sql`SELECT ${sql.join([value])}::jsonb AS v`);
      expect(row).toEqual({ v: value });
      await expect(sql.transaction([value as never])).rejects.toMatchObject({ kind: 'usage' });
    }
    const values = sql.values([[{ queryData: query }]]);
    expect(await sql`SELECT * FROM (${values}) AS v (a)`).toEqual([{ a: JSON.stringify({ queryData: query }) }]);
  });

  test('holes in arrays are NULL', async () => {
    expect(await postern(gateway.url())`SELECT ${Object.assign(Array(3), { 1: 2 })}::int[] AS a`).toEqual([
      { a: [null, 2, null] },
    ]);
  });

  test.each([
    ['§9 a function', () => {}],
    ['§9 a symbol', Symbol('x')],
    ['an invalid date', new Date('x')],
    ['a cycle', ((cycle: Record<string, unknown>) => Object.assign(cycle, { cycle }))({})],
  ])('%s is refused, not stringified', async (_, value) => {
    await expect(postern(gateway.url())`SELECT ${value}`).rejects.toMatchObject({ kind: 'usage' });
  });

  test('§9 ArrayBuffer, and typed arrays in arrays', async () => {
    const sql = postern(gateway.url());
    const bytes = new Uint8Array([1, 2, 255]);
    expect(await sql`SELECT ${bytes.buffer} AS a, ${bytes.subarray(1)} AS b, ${[bytes, null]}::bytea[] AS c`).toEqual([
      { a: Buffer.from(bytes), b: Buffer.from([2, 255]), c: [Buffer.from(bytes), null] },
    ]);
  });

  test('toPostgres, bigint, dates', async () => {
    const sql = postern(gateway.url());
    const date = new Date('2024-02-29T12:34:56.789Z');
    const [row] =
      await sql`SELECT ${{ toPostgres: () => ['x'] }}::text[] AS a, ${2n ** 62n}::int8 AS b, ${date}::timestamptz AS c`;
    expect(row).toEqual({ a: ['x'], b: '4611686018427387904', c: date });
  });
});

describe('opt-in types', () => {
  test('bigint, ISO dates, exact numeric arrays, arrays of enums, own parsers', async () => {
    await gateway.database.query("CREATE TYPE mood AS ENUM ('happy', 'not so happy'); CREATE DOMAIN small AS int");
    const sql = postern(gateway.url(), {
      types: typeParsers({
        bigint: true,
        isoDates: true,
        exactNumericArrays: true,
        userArrays: true,
        parsers: { 16: (t) => `${t}!` },
      }),
    });
    const [row] =
      await sql`SELECT 9007199254740993::int8 AS a, '{1,2}'::int8[] AS b, '2024-02-29 12:34:56.123456+00'::timestamptz AS c,
      '2024-02-29'::date AS d, '{0.1,1e30}'::numeric[] AS e, '{happy,"not so happy",NULL}'::mood[] AS f, '{1,2}'::small[] AS g, true AS h,
      'happy'::mood AS i, 'infinity'::timestamptz AS j, '{2024-02-29 01:02:03}'::timestamp[] AS k, row(1,2) AS l`;
    expect(row).toEqual({
      a: 9007199254740993n,
      b: [1n, 2n],
      c: '2024-02-29T12:34:56.123456Z',
      d: '2024-02-29',
      e: ['0.1', '1000000000000000000000000000000'],
      f: ['happy', 'not so happy', null],
      g: ['1', '2'],
      h: 't!',
      i: 'happy',
      j: 'infinity',
      k: ['2024-02-29T01:02:03'],
      l: '(1,2)',
    });
    expect(await errorOf(sql`SELECT 1`)).toEqual({ isError: false });
  });
});
