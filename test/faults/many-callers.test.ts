// Many more callers than server connections: everybody is served, with their own answer, and Postgres never sees more
// connections than allowed.
import { Client, neonConfig } from '@neondatabase/serverless';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Activity, observeActivity } from './activity.ts';
import { type GatewayProcess, type GatewaySettings, startGatewayProcess } from './gateway-process.ts';
import { postSql } from './sql-over-http.ts';

let gateway: GatewayProcess;
let activity: Activity;

async function open(settings: GatewaySettings): Promise<void> {
  gateway = await startGatewayProcess({ gateway: settings });
  activity = await observeActivity(gateway.database.url);
  Object.assign(neonConfig, {
    webSocketConstructor: WebSocket,
    useSecureWebSocket: false,
    wsProxy: () => `127.0.0.1:${gateway.httpPort}/v2`,
  });
}

afterEach(async () => {
  await activity.close();
  await gateway.close();
});

const pooled = '?options=pooled%3Dtrue';

test('200 WebSocket sessions and 200 HTTP callers share 5 server connections', async () => {
  await open({ poolSize: 5 });
  const watch = activity.watch();

  async function webSocketCaller(n: number): Promise<void> {
    const client = new Client(gateway.poolerUrl + pooled);
    await client.connect();
    for (let round = 0; round < 10; round++) {
      const mine = `ws ${n} ${round}`;
      if (round % 5 === 4) {
        await client.query('BEGIN');
        await client.query(`SELECT set_config('app.mine', $1, true)`, [mine]);
        expect((await client.query(`SELECT current_setting('app.mine') AS mine`)).rows).toEqual([{ mine }]);
        await client.query('COMMIT');
      } else {
        const sleep = round === 0 ? ', pg_sleep(0.01)' : '';
        const { rows } = await client.query(`SELECT $1::int AS n, $2::text AS mine${sleep}`, [n, mine]);
        expect(rows).toEqual([expect.objectContaining({ n, mine })]);
      }
    }
    await client.end();
  }

  async function httpCaller(n: number): Promise<void> {
    for (let round = 0; round < 5; round++) {
      const mine = `http ${n} ${round}`;
      const body =
        round % 2 === 0
          ? { query: 'SELECT $1::text', params: [mine] }
          : {
              queries: [
                { query: `SELECT set_config('app.mine', $1, true)`, params: [mine] },
                { query: `SELECT current_setting('app.mine')`, params: [] },
              ],
            };
      const reply = await postSql({ port: gateway.httpPort, connectionString: gateway.poolerUrl, body });
      expect(reply).toMatchObject({
        status: 200,
        body: round % 2 === 0 ? { rows: [[mine]] } : { results: [{ rows: [[mine]] }, { rows: [[mine]] }] },
      });
    }
  }

  await Promise.all([
    ...Array.from({ length: 200 }, (_, n) => webSocketCaller(n)),
    ...Array.from({ length: 200 }, (_, n) => httpCaller(n)),
  ]);
  const most = await watch.stop();
  expect(most).toBeGreaterThanOrEqual(2);
  expect(most).toBeLessThanOrEqual(5);
  expect(gateway.events.filter(({ event }) => event === 'caller_refused')).toEqual([]);
});

test('the pool is not exceeded by checking passwords again and again', async () => {
  await open({ poolSize: 2, credentialLifetimeMs: 1 });
  const watch = activity.watch();
  await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const { body } = await postSql({
        port: gateway.httpPort,
        connectionString: gateway.poolerUrl,
        body: { query: 'SELECT $1::int, pg_sleep(0.02)', params: [String(n)] },
      });
      expect(body).toMatchObject({ rows: [[String(n), '']] });
    }),
  );
  // The login that checks a password has a connection of its own until it is through; checks are made one at a time.
  expect(await watch.stop()).toBeLessThanOrEqual(3);
});

describe('a wait for the pool that takes too long says which limit, its value, the wait, and what to change', () => {
  const complaint = {
    code: '53300',
    message: expect.stringMatching(/\(pool_timeout 0\.3 s, waited \d+\.\d s; pool size 1, 1 in use/),
    hint: expect.stringMatching(/--pool-size.*pool_timeout/),
  };
  let holder: pg.Client;

  beforeEach(async () => {
    await open({ poolSize: 1 });
    holder = new pg.Client({ connectionString: gateway.tcpUrl });
    await holder.connect();
    await holder.query('BEGIN');
  });

  afterEach(async () => {
    await holder.end();
  });

  test('over HTTP', async () => {
    const reply = await postSql({
      port: gateway.httpPort,
      connectionString: `${gateway.poolerUrl}?pool_timeout=0.3`,
      body: { query: 'SELECT 1', params: [] },
    });
    expect(reply).toMatchObject({ status: 400, body: complaint });
  });

  test('over TCP, and the session goes on', async () => {
    const client = new pg.Client({ connectionString: `${gateway.tcpUrl}%20pool_timeout%3D0.3` });
    await client.connect();
    await expect(client.query('SELECT 1')).rejects.toMatchObject(complaint);
    await expect(client.query({ name: 'named', text: 'SELECT $1::int', values: [1] })).rejects.toMatchObject(complaint);
    await holder.query('COMMIT');
    expect((await client.query({ name: 'named', text: 'SELECT $1::int AS n', values: [1] })).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  test('over WebSocket, and the session goes on', async () => {
    const client = new Client(`${gateway.poolerUrl}?options=pooled%3Dtrue%20pool_timeout%3D0.3`);
    // What start-up parameters come to is asked of Postgres when they are seen first.
    await holder.query('COMMIT');
    await client.connect();
    await client.query('SELECT 1');
    await holder.query('BEGIN');
    await expect(client.query('SELECT 1')).rejects.toMatchObject(complaint);
    await holder.query('COMMIT');
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });
});
