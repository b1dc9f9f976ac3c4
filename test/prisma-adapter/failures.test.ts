// What Prisma is told when there is no database, no gateway, no password, or not any more.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PrismaPostern, type PrismaPosternConfig, type SqlDriverAdapter, type SqlQuery } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { createTestDatabase, findFreePort, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { testCertificate } from '../../packages/gateway/src/node/certificate.fixture.ts';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

configure({ webSocketConstructor: WebSocket });

const select: SqlQuery = { sql: 'SELECT 1', args: [], argTypes: [] };
const sleep: SqlQuery = { sql: 'SELECT pg_sleep(20)', args: [], argTypes: [] };

let database: TestDatabase;
let gateway: OpenedGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await openGateway(database, { poolSize: 2, limits: { poolTimeoutMs: 300 } });
});
afterAll(async () => {
  await gateway?.close();
  await database?.drop();
});

function cause(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  return promise.then(
    () => ({ kind: 'no error' }),
    (error: { cause?: Record<string, unknown> }) => error.cause ?? { thrown: error },
  );
}

describe.each(['http', 'ws'] as const)('over %s', (transport) => {
  const open = (connectionString: string, more: Partial<PrismaPosternConfig> = {}): Promise<SqlDriverAdapter> =>
    new PrismaPostern({ connectionString, transport, ...more }).connect();

  /** The cause for a statement, and for the first one of a transaction. */
  async function causes(connectionString: string): Promise<Record<string, unknown>[]> {
    const adapter = await open(connectionString);
    const single = await cause(adapter.queryRaw(select));
    const inTransaction = await cause(
      (async () => {
        const tx = await adapter.startTransaction();
        try {
          await tx.queryRaw(select);
        } finally {
          await tx.rollback().catch(() => {});
        }
      })(),
    );
    await adapter.dispose();
    return [single, inTransaction];
  }

  test('a wrong password', async () => {
    const url = gateway.url().replace(`:${encodeURIComponent(database.password)}@`, ':wrong@');
    for (const found of await causes(url)) {
      expect(found).toMatchObject({ kind: 'AuthenticationFailed', user: database.user, originalCode: '28P01' });
    }
  });

  test('a database that does not exist', async () => {
    for (const found of await causes(gateway.url().replace(database.name, 'nowhere'))) {
      expect(found).toMatchObject({ kind: 'DatabaseDoesNotExist', db: 'nowhere', originalCode: '3D000' });
    }
  });

  test('nobody listens', async () => {
    const port = await findFreePort();
    const url = gateway.url('?connect_timeout=1').replace(`:${gateway.port}/`, `:${port}/`);
    for (const found of await causes(url)) {
      expect(found).toMatchObject({ kind: 'DatabaseNotReachable', host: '127.0.0.1', port });
    }
  });

  test('a proxy that is not the gateway', async () => {
    const proxy = createServer((_request, response) => response.writeHead(502).end('bad gateway'));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo; // a TCP server's address
    for (const found of await causes(gateway.url('?connect_timeout=1').replace(`:${gateway.port}/`, `:${port}/`))) {
      expect(found).toMatchObject({ kind: 'DatabaseNotReachable', host: '127.0.0.1', port });
    }
    proxy.close();
  });

  test('a certificate nobody trusts', async () => {
    const stranger = createTlsServer(testCertificate, (_request, response) => response.end());
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(stranger.address() as AddressInfo).port}`; // a TCP server's address
    configure({ fetchEndpoint: `https://${address}/sql`, wsProxy: () => address, useSecureWebSocket: true });
    try {
      for (const found of await causes(gateway.url('?connect_timeout=1'))) {
        expect(found).toMatchObject({ kind: 'TlsConnectionError', reason: expect.stringContaining('self-signed') });
      }
    } finally {
      configure({ fetchEndpoint: undefined, wsProxy: undefined, useSecureWebSocket: undefined });
      stranger.close();
    }
  });

  test.each([
    ['P1000', async () => gateway.url().replace(`:${encodeURIComponent(database.password)}@`, ':wrong@')],
    ['P1001', async () => gateway.url('?connect_timeout=1').replace(`:${gateway.port}/`, `:${await findFreePort()}/`)],
    ['P1003', async () => gateway.url().replace(database.name, 'nowhere')],
  ])('a program of Prisma sees %s', async (code, connectionString) => {
    for (const open of [prisma6, prisma7]) {
      const adapter = new PrismaPostern({ connectionString: await connectionString(), transport });
      const prisma = open().openAdapter(adapter);
      await expect(prisma.user.findMany()).rejects.toMatchObject({ code });
      await expect(prisma.$transaction((tx) => tx.user.findMany())).rejects.toMatchObject({ code });
      await prisma.$disconnect();
    }
  });

  test('no free connection within the time', async () => {
    const adapter = await open(gateway.url());
    const holders = await Promise.all([adapter.startTransaction(), adapter.startTransaction()]);
    await Promise.all(holders.map((tx) => tx.queryRaw(select)));
    const waiting = await open(gateway.url('?connect_timeout=0.1'));
    expect(await cause(waiting.queryRaw(select))).toMatchObject({ kind: 'TooManyConnections', originalCode: '53300' });
    const tx = await waiting.startTransaction();
    expect(await cause(tx.queryRaw(select))).toMatchObject({ kind: 'TooManyConnections' });
    // Its BEGIN failed: nothing may run outside of it, now that there are free connections.
    await Promise.all(holders.map((holder) => holder.rollback()));
    expect(await cause(tx.queryRaw(select))).not.toMatchObject({ kind: 'no error' });
    await tx.rollback().catch(() => {});
    expect(await cause(waiting.queryRaw(select))).toEqual({ kind: 'no error' });
    await Promise.all([adapter.dispose(), waiting.dispose()]);
  });

  test('a transaction that could not begin has nothing to roll back, and cannot be committed', async () => {
    const adapter = await open(gateway.url());
    const holders = await Promise.all([adapter.startTransaction(), adapter.startTransaction()]);
    await Promise.all(holders.map((tx) => tx.queryRaw(select)));
    const waiting = await open(gateway.url('?connect_timeout=0.1'));
    const [undone, done] = await Promise.all([waiting.startTransaction(), waiting.startTransaction()]);
    expect(await cause(undone.queryRaw(select))).toMatchObject({ kind: 'TooManyConnections' });
    // There still is no free connection, and it does not wait for one.
    await expect(undone.executeRaw({ ...select, sql: 'ROLLBACK' })).resolves.toBe(0);
    expect(await cause(done.queryRaw(select))).toMatchObject({ kind: 'TooManyConnections' });
    expect(await cause(done.executeRaw({ ...select, sql: 'COMMIT' }))).toMatchObject({ kind: 'TooManyConnections' });
    await Promise.all(holders.map((holder) => holder.rollback()));
    await Promise.all([adapter.dispose(), waiting.dispose()]);
  });

  test('a transaction whose server connection was lost cannot be committed, whoever caught the error', async () => {
    const adapter = await open(gateway.url());
    for (const statement of ['SELECT 1', 'SELECT 1; SELECT 2']) {
      const tx = await adapter.startTransaction();
      await tx.queryRaw(select);
      await expect
        .poll(async () =>
          database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
          ),
        )
        .not.toEqual([]);
      expect(await cause(tx.queryRaw({ ...select, sql: statement }))).not.toMatchObject({ kind: 'no error' });
      await expect(tx.executeRaw({ ...select, sql: 'COMMIT' })).rejects.toMatchObject({ name: 'DriverAdapterError' });
    }
    await adapter.dispose();
  });

  test('the server connection is killed', async () => {
    const adapter = await open(gateway.url());
    const kill = async (): Promise<void> => {
      await expect
        .poll(async () =>
          database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()`,
          ),
        )
        .not.toEqual([]);
    };
    const [single] = await Promise.all([cause(adapter.queryRaw(sleep)), kill()]);
    expect(single).toMatchObject({ originalCode: '57P01' });
    const tx = await adapter.startTransaction();
    await tx.queryRaw(select);
    const [inTransaction] = await Promise.all([cause(tx.queryRaw(sleep)), kill()]);
    expect(inTransaction).toMatchObject({ originalCode: '57P01' });
    expect(await cause(tx.queryRaw(select))).not.toMatchObject({ kind: 'no error' });
    // Nothing is left of it; of a list of steps Prisma would tell this error instead of the one that matters.
    await tx.executeRaw({ ...select, sql: 'ROLLBACK' });
    await tx.rollback();
    expect(await cause(adapter.queryRaw(select))).toEqual({ kind: 'no error' });
    await adapter.dispose();
  });

  test('the gateway goes away while a statement runs', async () => {
    const doomed = await openGateway(database);
    const lost: Error[] = [];
    const adapter = await new PrismaPostern(
      { connectionString: doomed.url('?connect_timeout=1'), transport },
      { onPoolError: (error) => lost.push(error), onConnectionError: (error) => lost.push(error) },
    ).connect();
    const tx = await adapter.startTransaction();
    await tx.queryRaw(select);
    const running = cause(tx.queryRaw(sleep));
    await expect
      .poll(() =>
        database.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()`,
        ),
      )
      .not.toEqual([]);
    await doomed.close();
    expect((await running).kind).toBe('ConnectionClosed');
    await tx.rollback().catch(() => {});
    // The first one may still go by a connection whose end has not been read.
    await expect.poll(() => cause(adapter.queryRaw(select))).toMatchObject({ kind: 'DatabaseNotReachable' });
    if (transport === 'ws') await expect.poll(() => lost).toHaveLength(1);
    await adapter.dispose();
  });

  test('kinds of errors that old runtimes do not know', async () => {
    const bad: SqlQuery = { sql: `SELECT 'x'::int`, args: [], argTypes: [] };
    for (const [compatibility, kind] of [
      ['6.16', 'postgres'],
      ['7.2', 'InvalidInputValue'],
    ] as const) {
      const adapter = await open(gateway.url(), { compatibility });
      expect(await cause(adapter.queryRaw(bad))).toMatchObject({ kind, originalCode: '22P02' });
      await adapter.dispose();
    }
  });
});

test('a connection string that is none is not repeated', () => {
  expect(() => new PrismaPostern('mysql://root:secret@localhost/x')).toThrow(/postgres:\/\/user/);
  expect(() => new PrismaPostern('postgres://root:secret@:::/x')).toThrow(/^(?!.*secret)/);
});
