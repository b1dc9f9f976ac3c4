// The reset between owners travels with the caller's first segment: counted, not timed, in a relay before Postgres.
import { connect, createServer, type Server } from 'node:net';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FaultyGateway, openGateway } from './gateway.ts';

let database: TestDatabase;
let relay: Server;
let opened: FaultyGateway;
/** How often the gateway had to wait for Postgres: turns of direction from request to answer. */
let turns = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  relay = createServer((near) => {
    const far = connect(database.port, database.host);
    let lastWas: 'request' | 'answer' = 'answer';
    near.on('data', (bytes) => {
      lastWas = 'request';
      setTimeout(() => far.write(bytes), 20);
    });
    far.on('data', (bytes) => {
      if (lastWas === 'request') turns++;
      lastWas = 'answer';
      near.write(bytes);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('error', () => {});
    far.on('error', () => {});
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const url = new URL(database.url);
  url.port = String((relay.address() as { port: number }).port);
  opened = await openGateway(url.href, { poolSize: 1 });
});
afterAll(async () => {
  await opened.close();
  await new Promise((resolve) => relay.close(resolve));
  await database.drop();
});

/** What a SET leaves is asked for behind its answer; that is over. */
async function settled(): Promise<void> {
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ idle: 1, leased: 0 }));
  turns = 0;
}

test('the first query on a connection last used by someone else takes one round trip', async () => {
  const first = await opened.connect();
  const second = await opened.connect();
  await first.query(`SET work_mem = '1234kB'`);
  await second.query(`SET search_path = pg_catalog`);
  for (let round = 0; round < 3; round++) {
    await settled();
    expect((await first.query('SHOW work_mem')).rows).toEqual([{ work_mem: '1234kB' }]);
    expect(turns).toBe(1);
    await settled();
    expect((await second.query('SHOW search_path')).rows).toEqual([{ search_path: 'pg_catalog' }]);
    expect(turns).toBe(1);
  }
});

test('so do a statement that the connection has not seen, and a transaction that begins with it', async () => {
  const first = await opened.connect();
  const second = await opened.connect();
  await first.query(`SET work_mem = '1234kB'`);
  await second.query(`SET search_path = pg_catalog`);
  for (let round = 0; round < 3; round++) {
    await settled();
    const text = `SELECT current_setting('work_mem') AS memory, $1::int AS round_${round}`;
    const { rows } = await first.query({ name: `named ${round}`, text, values: [round] });
    expect(rows).toEqual([{ memory: '1234kB', [`round_${round}`]: round }]);
    expect(turns).toBe(1);
    await settled();
    await second.query('BEGIN; SELECT 1; COMMIT');
    expect(turns).toBe(1);
  }
});
