// API keys instead of passwords, on real ports in front of a real Postgres, shown by clients nobody changed.
import { Client, neon, neonConfig } from '@neondatabase/serverless';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { KeyEntry } from '../keys/key-entry.ts';
import { createKey, type KeySource, type NewKey } from '../keys/key-ring.ts';
import { type RunningGateway, startGateway } from './server.ts';

let database: TestDatabase;
let other: TestDatabase;
let gateway: RunningGateway;
let log: Record<string, unknown>[];
let entries: Map<string, KeyEntry>;

const keys: KeySource = { entryOf: (id) => entries.get(id), isEmpty: () => entries.size === 0 };

beforeAll(async () => {
  [database, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await database.query('CREATE SCHEMA shop; CREATE TABLE shop.goods (n int); INSERT INTO shop.goods VALUES (7)');
});
afterAll(async () => {
  await Promise.all([database?.drop(), other?.drop()]);
});
beforeEach(async () => {
  log = [];
  entries = new Map();
  gateway = await startGateway({
    // Neither is named `default`: without a key, the host 127.0.0.1 means nothing here.
    endpoints: [
      { name: 'main', databaseUrl: database.url },
      { name: 'side', databaseUrl: other.url },
    ],
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    keys,
    log: (event) => void log.push({ ...event }),
  });
  Object.assign(neonConfig, {
    webSocketConstructor: WebSocket,
    useSecureWebSocket: false,
    pipelineConnect: 'password',
    wsProxy: () => `127.0.0.1:${gateway.httpAddress.port}/v2`,
    fetchEndpoint: `http://127.0.0.1:${gateway.httpAddress.port}/sql`,
  });
});
afterEach(() => gateway.close(0));

async function makeKey(wish: Partial<NewKey> = {}): Promise<{ key: string; revoke: () => void }> {
  const { key, entry } = await createKey({
    name: 'k',
    endpoint: 'main',
    plan: 'pro',
    createdAt: new Date(0),
    ...wish,
  });
  entries.set(entry.id, entry);
  return { key, revoke: () => void entries.delete(entry.id) };
}

interface Shown {
  readonly key: string;
  readonly place?: 'password' | 'option';
  readonly database?: string;
  readonly applicationName?: string;
  /** Words of `options`, which every client sends on. */
  readonly options?: string;
}

function url({ key, place = 'password', database: name = database.name, ...more }: Shown): string {
  const { options = '', applicationName = 'test' } = more;
  const address = new URL(`postgres://anybody@127.0.0.1:${gateway.tcpAddress?.port}/${name}`);
  if (place === 'password') address.password = key;
  address.searchParams.set('application_name', applicationName);
  address.searchParams.set('options', place === 'option' ? `api_key=${key} ${options}` : options);
  return address.href;
}

const where = 'SELECT current_user AS role, current_database() AS db';

type Ask = (shown: Shown, sql: string) => Promise<unknown>;

async function askClient(client: Pick<pg.Client, 'connect' | 'query' | 'end'>, sql: string): Promise<unknown> {
  try {
    await client.connect();
    return (await client.query(sql)).rows[0];
  } finally {
    await client.end().catch(() => {});
  }
}

const overTcp: Ask = (shown, sql) => {
  const client = new pg.Client(url(shown));
  client.on('error', () => {});
  return askClient(client, sql);
};
const overWebSocket: Ask = (shown, sql) => {
  const client = new Client(url(shown));
  client.on('error', () => {});
  return askClient(client as unknown as pg.Client, sql);
};
const asked: Ask = (shown, sql) => {
  neonConfig.pipelineConnect = false;
  return overWebSocket(shown, sql);
};
const overHttp: Ask = async (shown, sql) => (await neon(url(shown)).query(sql))[0];
const asToken: Ask = async ({ key, ...shown }, sql) => {
  const address = url({ ...shown, key: '' }).replace(':@', '@');
  const response = await fetch(`http://127.0.0.1:${gateway.httpAddress.port}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': address, authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: sql }),
  });
  const body = (await response.json()) as { rows?: unknown[]; message: string; code: string };
  if (body.rows === undefined) throw Object.assign(new Error(body.message), { code: body.code });
  return body.rows[0];
};

describe.each<[string, Ask]>([
  ['TCP', overTcp],
  ['WebSocket', overWebSocket],
  ['WebSocket, asked for its password', asked],
  ['HTTP', overHttp],
  ['HTTP, as a bearer token', asToken],
])('over %s', (_, ask) => {
  test('a key is the endpoint’s role, whatever user it comes with', async () => {
    const { key } = await makeKey();
    expect(await ask({ key }, where)).toEqual({ role: database.user, db: database.name });
  });

  test('it leads to its own endpoint', async () => {
    const { key } = await makeKey({ endpoint: 'side' });
    expect(await ask({ key, database: other.name }, where)).toMatchObject({ db: other.name });
  });

  test('its schema is searched first, unless the caller says otherwise', async () => {
    const { key } = await makeKey({ schema: 'shop' });
    expect(await ask({ key }, 'SELECT n FROM goods')).toEqual({ n: 7 });
    expect(await ask({ key }, 'SHOW search_path')).toEqual({ search_path: '"shop", public' });
    await expect(ask({ key, options: '-c search_path=public' }, 'SELECT n FROM goods')).rejects.toMatchObject({
      code: '42P01',
    });
  });

  test('a revoked key is refused at once, like a wrong password', async () => {
    const { key, revoke } = await makeKey();
    await ask({ key }, 'SELECT 1');
    revoke();
    await expect(ask({ key }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
      message: 'password authentication failed for user "anybody"',
    });
    expect(JSON.stringify(log)).not.toContain(key.slice(-43));
  });

  test('so is the public part with another secret', async () => {
    const { key } = await makeKey();
    const forged = key.replace(/.{5}$/, (end) => [...end].map((c) => (c === 'A' ? 'B' : 'A')).join(''));
    await expect(ask({ key: forged }, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });
});

test.each<[string, Ask]>([
  ['TCP', overTcp],
  ['WebSocket', overWebSocket],
  ['HTTP', overHttp],
])('over %s a key may also be the option api_key', async (_, ask) => {
  const { key } = await makeKey();
  const shown: Shown = { key, place: 'option' };
  // The official driver's HTTP half wants a password in every URL; the key is what counts.
  const sent = ask === overHttp ? overHttpWithOption : ask;
  expect(await sent(shown, where)).toEqual({ role: database.user, db: database.name });
});

const overHttpWithOption: Ask = async (shown, sql) =>
  (await neon(url(shown).replace('anybody@', 'anybody:whatever@')).query(sql))[0];

test('of a session over TCP the log has the key’s public part', async () => {
  const { key } = await makeKey({ endpoint: 'side' });
  await overTcp({ key, database: other.name, options: 'pooled=true' }, where);
  expect(log.find(({ event }) => event === 'session_started')).toMatchObject({
    endpoint: 'side',
    keyId: key.split('_')[1],
    user: 'anybody',
    mode: 'pooled',
  });
});

test('roles still log in with their passwords, also where there are keys', async () => {
  await makeKey();
  const login = `${encodeURIComponent(database.user)}:${encodeURIComponent(database.password)}`;
  const address = `postgres://${login}@127.0.0.1:${gateway.tcpAddress?.port}/${database.name}?options=endpoint%3Dmain`;
  expect(await askClient(new pg.Client(address), where)).toEqual({ role: database.user, db: database.name });
});

test('a plan limits what one key uses at once, however its sessions call themselves', async () => {
  await gateway.close(0);
  gateway = await startGateway({
    endpoints: [{ name: 'main', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    keys,
    plans: { tiny: { connectionLimit: 1 } },
    poolSize: 4,
    limits: { poolTimeoutMs: 200 },
    log: () => {},
  });
  const { key } = await makeKey({ plan: 'tiny' });
  // With so short a pool_timeout, a busy machine may be too slow to open the first connection.
  const one = () => overTcp({ key, options: 'pooled=true', applicationName: 'b' }, 'SELECT 1 AS one').catch(() => 0);
  await expect.poll(one, { timeout: 10_000 }).toEqual({ one: 1 });
  const first = new pg.Client(url({ key, options: 'pooled=true', applicationName: 'a' }));
  await first.connect();
  await first.query('BEGIN');
  await expect(overTcp({ key, options: 'pooled=true', applicationName: 'b' }, 'SELECT 1')).rejects.toMatchObject({
    code: '53300',
  });
  await first.query('COMMIT');
  expect(await overTcp({ key, options: 'pooled=true', applicationName: 'b' }, 'SELECT 1 AS one')).toEqual({ one: 1 });
  await first.end();
});
