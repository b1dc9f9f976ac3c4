import type { PrismaRuntimeLevel } from '@postern/prisma-mapping';
import { adapterName, createAdapter } from './adapter.ts';
import { type ConnectionUrl, readConnectionUrl, withDatabase } from './connection-url.ts';
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from './driver-adapter.ts';
import { createHttpTransport } from './http/http-transport.ts';
import type { Transport } from './transport.ts';
import { createWsTransport } from './ws/ws-transport.ts';

/** Where the database is, and how to get there. */
export interface PrismaPosternConfig {
  /** `postgres://user:password@gateway/database`, with any option the gateway knows (`?schema=`, `?pool_timeout=` …). */
  connectionString: string;
  /** Postgres schema of the models, searched first by raw queries, `public` behind it. Default: `?schema=` of the connection string. */
  schema?: string | undefined;
  /**
   * `http` (default): one request for each statement, nothing to keep open; transactions are held by the gateway.
   * `ws`: Postgres sessions over one WebSocket, faster where the program lives longer than a request.
   */
  transport?: 'http' | 'ws' | undefined;
  /**
   * The oldest Prisma Client that has to understand our errors: older ones stumble over kinds of errors that came later.
   * Default `7.10`; set `7.2` for 7.2 to 7.9, and `6.16` for everything before.
   */
  compatibility?: PrismaRuntimeLevel | undefined;
  /** Over HTTP: when the gateway rolls back a transaction by itself. Default, and its usual maximum, 5 minutes. */
  transactionTimeoutMs?: number | undefined;
  /** Over WebSocket: sessions at once. Default 10. */
  max?: number | undefined;
  /** Over WebSocket: after how long an unused session is closed. Default 10 s. */
  idleTimeoutMillis?: number | undefined;
  /** Over WebSocket: for logging in (default: `?connect_timeout=`, else 5 s), and for a free session (default: no limit). */
  connectionTimeoutMillis?: number | undefined;
}

export interface PrismaPosternOptions {
  /** As in the configuration. */
  schema?: string | undefined;
  /** A session nobody was using was lost (WebSocket only). The next query opens another. */
  onPoolError?: ((error: Error) => void) | undefined;
  /** A session was lost within a transaction, whose statements then fail (WebSocket only). */
  onConnectionError?: ((error: Error) => void) | undefined;
}

const defaultTransactionTimeoutMs = 300_000;

/**
 * `new PrismaClient({ adapter: new PrismaPostern({ connectionString }) })`. Connects to nothing until the client does.
 * Throws a PosternError when the connection string is none; its text does not repeat it.
 */
export class PrismaPostern implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName: string = adapterName;
  readonly #config: PrismaPosternConfig;
  readonly #options: PrismaPosternOptions;
  readonly #url: ConnectionUrl;

  constructor(config: PrismaPosternConfig | string, options: PrismaPosternOptions = {}) {
    this.#config = typeof config === 'string' ? { connectionString: config } : config;
    this.#options = options;
    this.#url = readConnectionUrl(this.#config.connectionString, options.schema ?? this.#config.schema);
  }

  async connect(): Promise<SqlDriverAdapter> {
    return this.#connect(this.#url.connectionString);
  }

  /** For Prisma's schema engine: a new, empty database, dropped by `dispose()`. The role must be allowed to create one. */
  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const main = await this.connect();
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    await main.executeScript(`CREATE DATABASE "${database}"`);
    return this.#connect(withDatabase(this.#url.connectionString, database), async () => {
      await main.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`);
      await main.dispose();
    });
  }

  #connect(connectionString: string, onDisposed?: () => Promise<void>): SqlDriverAdapter {
    const { schema, host, port } = this.#url;
    return createAdapter({
      transport: this.#createTransport(connectionString),
      info: { ...(schema === undefined ? {} : { schemaName: schema }), supportsRelationJoins: true },
      errors: { runtime: this.#config.compatibility ?? '7.10', host, port },
      onDisposed,
    });
  }

  #createTransport(connectionString: string): Transport {
    const { transport = 'http', max, idleTimeoutMillis, connectionTimeoutMillis } = this.#config;
    const { transactionTimeoutMs = defaultTransactionTimeoutMs } = this.#config;
    if (transport === 'http') return createHttpTransport({ connectionString, transactionTimeoutMs });
    const { onPoolError, onConnectionError } = this.#options;
    const pool = { max, idleTimeoutMillis, connectionTimeoutMillis };
    return createWsTransport({ connectionString, pool, onPoolError, onConnectionError });
  }
}
