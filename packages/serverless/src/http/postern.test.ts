// What needs a gateway that is Postern: transactions of several requests, streamed rows.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayErrorCode, type NeonQueryFunction, type PosternError, postern } from '../http.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway.fixture.ts';

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
  await gateway.database.query('CREATE TABLE account (id int PRIMARY KEY, amount int CHECK (amount >= 0))');
});
afterAll(() => gateway.close());

/** Counts the requests of a driver. */
function counting(): { sql: NeonQueryFunction<false, false>; count: () => number } {
  let count = 0;
  const sql = postern<false, false>(gateway.url(), {
    endpoint: () => {
      count++;
      return `http://127.0.0.1:${gateway.port}/sql`;
    },
  });
  return { sql, count: () => count };
}

const accounts = (): Promise<unknown> => gateway.database.query('SELECT * FROM account ORDER BY id');

describe('begin', () => {
  test('§9 an interactive transaction of two statements is two requests', async () => {
    const { sql, count } = counting();
    await gateway.database.query('TRUNCATE account; INSERT INTO account VALUES (1, 10), (2, 0)');
    const moved = await sql.begin(async (tx) => {
      const [account] = await tx<{ amount: number }>`SELECT amount FROM account WHERE id = ${1} FOR UPDATE`;
      await tx.commitWith`UPDATE account SET amount = ${account?.amount} WHERE id = ${2}`;
      return account?.amount;
    });
    expect([moved, count()]).toEqual([10, 2]);
    expect(await accounts()).toEqual([
      { id: 1, amount: 10 },
      { id: 2, amount: 10 },
    ]);
  });

  test('a batch is one request, and so is a transaction of one statement', async () => {
    const batch = counting();
    await batch.sql.transaction([batch.sql`SELECT 1`, batch.sql`SELECT 2`]);
    const single = counting();
    const rows = await single.sql.begin(({ commitWith }) => commitWith`SELECT 1 AS n`);
    expect([batch.count(), single.count(), rows]).toEqual([1, 1, [{ n: 1 }]]);
  });

  test('a time limit that is over is known by its name', async () => {
    const { sql } = counting();
    const failure: unknown = await sql
      .begin((tx) => tx`SELECT pg_sleep(30)`, { timeoutMs: 50 })
      .catch((error: unknown) => error);
    const name: GatewayErrorCode | undefined = (failure as PosternError).gatewayCode;
    expect(name).toBe('transaction_expired');
  });

  test('COMMIT alone, options of BEGIN, nothing at all', async () => {
    const { sql, count } = counting();
    const seen = await sql.begin(
      async (tx) => [await tx`SHOW transaction_isolation`, await tx`SHOW transaction_read_only`],
      { isolationLevel: 'Serializable', readOnly: true },
    );
    expect(seen).toEqual([[{ transaction_isolation: 'serializable' }], [{ transaction_read_only: 'on' }]]);
    expect(count()).toBe(3);
    expect(await sql.begin(() => 7)).toBe(7);
    expect(count()).toBe(3);
  });

  test('what is thrown rolls back; so does an error that was swallowed', async () => {
    const { sql } = counting();
    await gateway.database.query('TRUNCATE account');
    await expect(
      sql.begin(async (tx) => {
        await tx`INSERT INTO account VALUES (1, 1)`;
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await expect(
      sql.begin(async (tx) => {
        await tx`INSERT INTO account VALUES (1, 1)`;
        await tx`INSERT INTO account VALUES (2, -1)`.catch(() => {});
      }),
    ).rejects.toMatchObject({ code: '25P02', sourceError: { code: '23514' } });
    await expect(sql.begin((tx) => tx`SELECT 1 / 0`)).rejects.toMatchObject({ code: '22012' });
    await expect(sql.begin((tx) => tx.commitWith`INSERT INTO account VALUES (3, -1)`)).rejects.toMatchObject({
      code: '23514',
    });
    expect(await accounts()).toEqual([]);
    expect(
      await gateway.database.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
      ),
    ).toEqual([]);
  });

  test('what comes behind the end is refused, and says nothing about what was committed', async () => {
    const { sql } = counting();
    await gateway.database.query('TRUNCATE account');
    await sql.begin(async (tx) => {
      await tx.commitWith`INSERT INTO account VALUES (1, 1)`;
      await expect(tx`INSERT INTO account VALUES (2, 2)`).rejects.toThrow(/the transaction is over/);
    });
    let late: Promise<unknown> | undefined;
    await sql.begin((tx) => {
      late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => tx`INSERT INTO account VALUES (3, 3)`);
    });
    await expect(late).rejects.toThrow(/the transaction is over/);
    expect(await accounts()).toEqual([{ id: 1, amount: 1 }]);
  });

  test('a statement inside a stream of the same transaction is refused instead of waiting for itself', async () => {
    const { sql } = counting();
    const seen = await sql.begin(async (tx) => {
      const list: unknown[] = [];
      for await (const { n } of tx.stream`SELECT n, repeat('x', 1000) FROM generate_series(1, 3) AS n`) {
        await expect(tx`SELECT 1`).rejects.toMatchObject({ kind: 'usage' });
        list.push(n);
      }
      await tx`SELECT 1`;
      return list;
    });
    expect(seen).toEqual([1, 2, 3]);
  });

  test.each([
    ['small', 3],
    ['large', 30_000],
  ])('a stream nobody reads to its end is left before COMMIT and ROLLBACK: %s', async (_, count) => {
    const { sql } = counting();
    await gateway.database.query('TRUNCATE account');
    for (const ends of [() => 'done', () => Promise.reject(new Error('changed my mind'))]) {
      const result = sql.begin(async (tx) => {
        await tx`INSERT INTO account VALUES (1, 1) ON CONFLICT DO NOTHING`;
        await tx.stream`SELECT n, repeat('x', 1000) AS x FROM generate_series(1, ${count}::int) AS n`.next();
        return ends();
      });
      await result.catch(() => {});
      await gateway.database.query("SET lock_timeout = '1s'; LOCK TABLE account; SET lock_timeout = 0");
    }
  });

  test('savepoints; statements of one transaction wait for each other', async () => {
    const { sql } = counting();
    await gateway.database.query('TRUNCATE account');
    await sql.begin(async (tx) => {
      await Promise.all([
        tx`INSERT INTO account VALUES (1, 1)`,
        tx`SAVEPOINT s`,
        tx`INSERT INTO account VALUES (2, 2)`,
      ]);
      await tx`INSERT INTO account VALUES (2, 2)`.catch(() => {});
      await tx`ROLLBACK TO s`;
      await tx`INSERT INTO account VALUES (3, ${tx`1 + ${2}`})`;
    });
    expect(await accounts()).toEqual([
      { id: 1, amount: 1 },
      { id: 3, amount: 3 },
    ]);
  });

  test('after its end it takes no more statements', async () => {
    const { sql } = counting();
    let kept: ((strings: TemplateStringsArray) => PromiseLike<unknown>) | undefined;
    await sql.begin(async (tx) => {
      await tx`SELECT 1`;
      kept = tx;
    });
    const late = kept ?? (() => Promise.resolve());
    await expect(Promise.resolve(late`SELECT 1`)).rejects.toThrow(/the transaction is over/);
  });

  test('a time limit', async () => {
    const { sql } = counting();
    await expect(
      sql.begin(
        async (tx) => {
          await tx`SELECT 1`;
          await tx`SELECT pg_sleep(10)`;
        },
        { timeoutMs: 200 },
      ),
    ).rejects.toMatchObject({ code: '25P04' });
  });

  test("on Neon's wire the first statement must not run alone", async () => {
    const bodies: unknown[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const json = JSON.parse(body) as Record<string, unknown>;
      bodies.push(json);
      // As Neon's proxy does (reference/neon-wire.md §1.4).
      const isKnown = typeof json.query === 'string' || Array.isArray(json.queries);
      response
        .writeHead(isKnown ? 200 : 400)
        .end(
          isKnown ? '{}' : JSON.stringify({ message: 'could not parse the HTTP request body: no variant', code: '' }),
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sql = postern(`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`);
    await expect(sql.begin((tx) => tx`INSERT INTO t VALUES (1)`)).rejects.toMatchObject({
      code: '0A000',
      kind: 'usage',
    });
    expect(bodies).toEqual([{ begin: { query: 'INSERT INTO t VALUES (1)', params: [] } }]);
    server.close();
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What driver and gateway, which share this process, really hold. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('stream', () => {
  test('§9 100 000 rows: the first before the last is there, memory flat', { timeout: 120_000 }, async () => {
    const sql = postern(gateway.url());
    let count = 0;
    let largest = 0;
    let readyAtFirst: unknown;
    const before = heldBytes();
    for await (const row of sql.stream<{
      n: number;
      t: string;
    }>`SELECT n, repeat('x', 200) AS t FROM generate_series(1, ${100_000}::int) AS n`) {
      if (count === 0) {
        readyAtFirst = await gateway.database.query(
          "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%generate_series(1, $1::int)%' AND pid <> pg_backend_pid()",
        );
      }
      if (++count % 10_000 === 0) largest = Math.max(largest, heldBytes() - before);
      if (row.n !== count) throw new Error(`${row.n} instead of ${count}`);
    }
    console.log(
      `100 000 rows (20 MB) streamed: driver and gateway held at most ${(largest / 1e6).toFixed(1)} MB of them`,
    );
    expect(largest).toBeLessThan(12_000_000);
    expect(count).toBe(100_000);
    expect(readyAtFirst).toEqual([{ state: 'active' }]);
  });

  test('leaving the loop cancels the query', async () => {
    const sql = postern(gateway.url());
    for await (const row of sql.stream`SELECT n, pg_sleep(0.001), repeat('x', 1000) AS left_early FROM generate_series(1, 100000) AS n`) {
      expect(row.n).toBe(1);
      break;
    }
    await expect
      .poll(() =>
        gateway.database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%left_early%' AND state = 'active' AND pid <> pg_backend_pid()",
        ),
      )
      .toEqual([]);
  });

  test('errors before and behind the first row, options, sql.query', async () => {
    const sql = postern(gateway.url(), { arrayMode: true });
    const all = async (rows: AsyncIterable<unknown>): Promise<unknown[]> => {
      const list: unknown[] = [];
      for await (const row of rows) list.push(row);
      return list;
    };
    await expect(all(sql.stream`nonsense`)).rejects.toMatchObject({ code: '42601', requestId: expect.any(String) });
    await expect(all(sql.stream`SELECT 1 / (50000 - n) FROM generate_series(1, 100000) AS n`)).rejects.toMatchObject({
      code: '22012',
    });
    expect(
      await all(sql.stream(sql.query('SELECT $1::int8', [1], { types: { getTypeParser: () => BigInt } }))),
    ).toEqual([[1n]]);
    expect(await all(sql.stream`SELECT 1 WHERE false`)).toEqual([]);
    const signal = AbortSignal.timeout(50);
    await expect(all(sql.stream(sql.query('SELECT pg_sleep(20)', [], { signal })))).rejects.toMatchObject({
      code: '57014',
    });
  });

  test('within a transaction', async () => {
    const sql = postern(gateway.url());
    const numbers = await sql.begin(async (tx) => {
      await tx`CREATE TEMP TABLE streamed ON COMMIT DROP AS SELECT * FROM generate_series(1, 3) AS n`;
      const list: unknown[] = [];
      for await (const { n } of tx.stream`SELECT n FROM streamed`) list.push(n);
      await tx`SELECT 1`;
      return list;
    });
    expect(numbers).toEqual([1, 2, 3]);
  });

  test.each([
    ['in one line', (text: string) => text],
    ['in many', (text: string) => JSON.stringify(JSON.parse(text), null, 2)],
  ])('a server that does not stream, %s', async (_name, write) => {
    const server = createServer((_, response) =>
      response.end(write('{"fields":[{"name":"n","dataTypeID":23}],"rows":[["1"],["2"]]}')),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sql = postern(`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`);
    const list: unknown[] = [];
    for await (const row of sql.stream`SELECT`) list.push(row);
    expect(list).toEqual([{ n: 1 }, { n: 2 }]);
    server.close();
  });

  test.each([
    ['a body that breaks off', '{"fields":[{"name":"n","dataTypeID":23}]}\n["1"]\n', 'connection'],
    ['a line that is no JSON', '{"fields":[{"name":"n","dataTypeID":23}]}\n["1\n', 'protocol'],
  ])('%s', async (_, body, kind) => {
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(body),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sql = postern(`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`);
    await expect(
      (async () => {
        for await (const row of sql.stream`SELECT`) expect(row).toEqual({ n: 1 });
      })(),
    ).rejects.toMatchObject({ kind });
    server.close();
  });
});
