// Against Neon's own wire: a relay lets through only what Neon's proxy speaks, and the driver must find that out by itself.
import * as official from '@neondatabase/serverless';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, neon, neonConfig, Pool } from './index.ts';
import { behaviour } from './testing/behaviour.ts';
import { type GatewayFixture, startGatewayFixture } from './testing/gateway.fixture.ts';
import { type NeonRelay, startNeonRelay } from './testing/neon-relay.ts';

let gateway: GatewayFixture;
let relay: NeonRelay;
beforeAll(async () => {
  gateway = await startGatewayFixture();
});
afterAll(() => gateway.close());

beforeEach(() => {
  for (const key of Object.keys(neonConfig)) delete neonConfig[key as keyof typeof neonConfig];
  neonConfig.webSocketConstructor = WebSocket;
});
afterEach(() => relay.close());

const url = (): string => gateway.url({ port: relay.port });

describe.each(['ignored', 'refused'] as const)('subprotocols are %s', (subprotocols) => {
  beforeEach(async () => {
    relay = await startNeonRelay(gateway.port, subprotocols);
    Object.assign(official.neonConfig, {
      webSocketConstructor: WebSocket,
      useSecureWebSocket: false,
      wsProxy: (host: string) => `${host}:${relay.port}/v2`,
      fetchEndpoint: `http://127.0.0.1:${relay.port}/sql`,
      disableWarningInBrowsers: true,
    });
  });

  test('everything the official driver does, with the same results', async () => {
    for (const { name, run } of behaviour) {
      const ours = await run({ neon, Client, Pool } as never, url());
      const theirs = await run(official as never, url());
      expect([name, ours]).toEqual([name, theirs]);
    }
    // Found out once.
    expect(relay.offers.filter((offer) => offer !== undefined)).toHaveLength(1);
  });

  test('a statement of a pool is sent once, pipelined behind the log-in as soon as the wire is known', async () => {
    await gateway.database.query('CREATE TABLE IF NOT EXISTS sent_once (n int); TRUNCATE sent_once');
    for (let round = 0; round < 2; round++) {
      const pool = new Pool({ connectionString: url(), max: 3 });
      await Promise.all([1, 2, 3].map((n) => pool.query('INSERT INTO sent_once VALUES ($1)', [n])));
      await pool.end();
    }
    expect(await gateway.database.query('SELECT n, count(*)::int FROM sent_once GROUP BY n ORDER BY n')).toEqual([
      { n: 1, count: 2 },
      { n: 2, count: 2 },
      { n: 3, count: 2 },
    ]);
  });

  test('what only our driver can, as far as that needs no gateway of ours', async () => {
    const client = new Client(url());
    await client.connect();
    const outcomes = await Promise.allSettled([
      client.query('SELECT $1::int AS n', [1]),
      client.query('SELECT 1 / 0'),
      client.query('SELECT 3 AS n'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const aborted = client.query({ text: 'SELECT pg_sleep(32)', signal: AbortSignal.timeout(50) });
    await expect(aborted).rejects.toMatchObject({ code: '57014' });
    await expect
      .poll(() =>
        gateway.database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%sleep(32)' AND state = 'active'",
        ),
      )
      .toEqual([]);
    await client.query('CREATE TEMP TABLE copied (n int)');
    expect(await client.copyFrom('COPY copied FROM STDIN', ['1\n', '2\n'])).toEqual({ rowCount: 2 });
    const seen: unknown[] = [];
    for await (const { n } of client.cursor<{ n: number }>('SELECT n FROM copied', [], { batchSize: 1 })) seen.push(n);
    expect(seen).toEqual([1, 2]);
    await client.end();

    const sql = neon(url());
    const rows: unknown[] = [];
    for await (const row of sql.stream`SELECT n FROM generate_series(1, 3) AS n`) rows.push(row);
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await expect(sql.begin((tx) => tx`SELECT 1`)).rejects.toMatchObject({ code: '0A000', kind: 'usage' });
    await expect(sql.begin((tx) => tx.commitWith`SELECT 1`)).rejects.toMatchObject({ code: '0A000', kind: 'usage' });
    const timeout = sql.query('SELECT pg_sleep(33)', [], { signal: AbortSignal.timeout(50) });
    await expect(timeout).rejects.toMatchObject({ code: '57014' });
  });
});
