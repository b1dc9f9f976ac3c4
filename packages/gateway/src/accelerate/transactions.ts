/**
 * Interactive transactions: each is a session that waits for its next request. One TransactionManager of Prisma's for each,
 * which keeps its time and its savepoints; here is who it belongs to.
 */
import { TransactionManager, type TransactionOptions } from '@prisma/client-engine-runtime';
import type { SqlDriverAdapter, Transaction } from '@prisma/driver-adapter-utils';
import { LRUCache } from 'lru-cache';
import { AccelerateError } from './accelerate-error.ts';
import type { ClientVersion } from './client-version.ts';
import { createSessionAdapter } from './session-adapter.ts';
import type { SqlSession } from './sql-session.ts';
import type { Telemetry } from './telemetry.ts';
import type { Tenant } from './tenant.ts';

export interface StartRequest {
  readonly maxWait: number;
  readonly timeout: number;
  readonly isolationLevel?: NonNullable<TransactionOptions['isolationLevel']>;
}

export interface OpenTransaction {
  readonly session: SqlSession | undefined;
  /** The transaction to run a statement in. Throws P2028 when it is over. */
  queryable(): Promise<Transaction>;
  savepoint(options: StartRequest, telemetry: Telemetry): Promise<void>;
  commit(telemetry: Telemetry): Promise<void>;
  rollback(telemetry: Telemetry): Promise<void>;
}

export interface Transactions {
  /** Throws P6005 for a time-out above the plan's, P2028 when it does not begin in time. */
  start(tenant: Tenant, version: ClientVersion, options: StartRequest, telemetry: Telemetry): Promise<string>;
  /** Of this tenant's only. Unknown ids give one that answers P2028 to everything. */
  find(tenant: Tenant, id: string): OpenTransaction;
  readonly size: number;
}

interface Entry {
  readonly keyId: string;
  readonly manager: TransactionManager;
  readonly id: string;
  session: SqlSession | undefined;
  /** Whose request the manager works for at the moment. */
  telemetry: Telemetry | undefined;
}

/** Remembered after their end, so that a late request is told how it ended. */
const maxRemembered = 256;

export function createTransactions(): Transactions {
  const open = new Map<string, Entry>();
  const over = new LRUCache<string, Entry>({ max: maxRemembered });

  /** The manager reports to whichever request it works for. */
  function createManager(entry: () => Pick<Entry, 'telemetry'>, adapter: SqlDriverAdapter): TransactionManager {
    return new TransactionManager({
      driverAdapter: adapter,
      transactionOptions: {},
      provider: 'postgres',
      onQuery: (event) => entry().telemetry?.onQuery?.(event),
      tracingHelper: {
        isEnabled: () => entry().telemetry?.tracing.isEnabled() ?? false,
        runInChildSpan: (name, callback) => {
          const tracing = entry().telemetry?.tracing;
          return tracing === undefined ? callback() : tracing.runInChildSpan(name, callback);
        },
      },
    });
  }

  async function withTelemetry<T>(entry: Entry, telemetry: Telemetry, work: () => Promise<T>): Promise<T> {
    entry.telemetry = telemetry;
    try {
      return await work();
    } finally {
      if (entry.telemetry === telemetry) entry.telemetry = undefined;
    }
  }

  return {
    async start(tenant, version, options, telemetry) {
      checkTimeouts(tenant, options);
      const early: Pick<Entry, 'telemetry'> = { telemetry };
      let entry: Entry | undefined;
      let session: SqlSession | undefined;
      const adapter = createSessionAdapter({
        level: version.level,
        begin: 'awaited',
        openSession() {
          session = tenant.openSession();
          return session;
        },
        onTransactionClosed() {
          if (entry === undefined) return;
          entry.session = undefined;
          open.delete(entry.id);
          over.set(entry.id, entry);
        },
      });
      const manager = createManager(() => entry ?? early, adapter);
      const { id } = await manager.startTransaction(options).catch((error: unknown) => {
        // It may still wait for a connection, which nobody wants any more.
        session?.close();
        throw error;
      });
      entry = { keyId: tenant.keyId, manager, id, session, telemetry: undefined };
      open.set(id, entry);
      return id;
    },
    find(tenant, id) {
      const known = open.get(id) ?? over.get(id);
      // Somebody else's is as unknown as none.
      const entry = known?.keyId === tenant.keyId ? known : unknownTransaction(id, createManager);
      const { manager } = entry;
      return {
        session: entry.session,
        queryable: () => manager.getTransaction({ id }, 'query'),
        savepoint: (options, telemetry) =>
          withTelemetry(entry, telemetry, async () => {
            await manager.startTransaction({ ...options, newTxId: id });
          }),
        commit: (telemetry) => withTelemetry(entry, telemetry, () => manager.commitTransaction(id)),
        rollback: (telemetry) => withTelemetry(entry, telemetry, () => manager.rollbackTransaction(id)),
      };
    },
    get size() {
      return open.size;
    },
  };
}

/** A manager that has no transaction, for its words about that. */
function unknownTransaction(
  id: string,
  createManager: (entry: () => Pick<Entry, 'telemetry'>, adapter: SqlDriverAdapter) => TransactionManager,
): Entry {
  const adapter = createSessionAdapter({
    level: '7.10',
    begin: 'awaited',
    openSession: () => {
      throw new Error('an unknown transaction has no session');
    },
  });
  const entry: Entry = {
    keyId: '',
    id,
    manager: createManager(() => entry, adapter),
    session: undefined,
    telemetry: undefined,
  };
  return entry;
}

function checkTimeouts({ plan: { transactionTimeoutMs } }: Tenant, { timeout, maxWait }: StartRequest): void {
  for (const [name, value] of [
    ['timeout', timeout],
    ['maxWait', maxWait],
  ] as const) {
    if (value <= transactionTimeoutMs) continue;
    throw new AccelerateError(
      'P6005',
      `Invalid transaction parameters: ${name} is ${value} ms; the limit of this key's plan is ${transactionTimeoutMs} ms.`,
    );
  }
}
