/** Every limit of the engine, each with its default and its reason. */

export interface EngineLimits {
  /** Server connections per pool (target + identity) that callers share. Default: what `2 × cores + 1` is on four cores. */
  readonly poolSize: number;
  /** Server connections beyond the pool for sessions whose state cannot be replayed (pins). Default: half the pool, at least one. */
  readonly maxPinned: number;
  /** Server connections of one target over all pools, but those of direct sessions; 0 = as many as Postgres grants. */
  readonly maxServerConnections: number;
  /** Longest wait for a server connection; 0 = no limit. Prisma's default. */
  readonly poolTimeoutMs: number;
  /** Longest wait for a Postgres that cannot be reached; 0 = no limit. Prisma's default. */
  readonly connectTimeoutMs: number;
  /** One attempt to connect and log in, so that a silent peer does not use up the whole budget. */
  readonly loginTimeoutMs: number;
  /** Logins under way at once per pool: more only slows a waking database. */
  readonly maxConcurrentLogins: number;
  /** A server connection idle for so long is closed. PgBouncer's server_idle_timeout. */
  readonly serverIdleTimeoutMs: number;
  /** One that only verified credentials, and that nobody has used, is closed after this: its caller wanted a direct session, or none. */
  readonly loginIdleTimeoutMs: number;
  /** A server connection older than this is closed when idle, so that load moves after a failover. PgBouncer's server_lifetime. */
  readonly serverLifetimeMs: number;
  /**
   * A caller that has sent nothing for so long, and keeps no server connection, is told so and disconnected; 0 = never.
   * PgBouncer's client_idle_timeout. Callers that listen are left alone.
   */
  readonly callerIdleTimeoutMs: number;
  /** How long an abandoned server connection may take to come back to ReadyForQuery before it is closed. */
  readonly recoveryTimeoutMs: number;
  /** How long a cancel request may take. */
  readonly cancelTimeoutMs: number;
  /** Query, Parse and other messages the engine must see whole. Bind and CopyData of any size stream through. */
  readonly maxMessageBytes: number;
  /** Caller bytes held while it waits for a server connection; beyond it the caller is not read. */
  readonly maxHeldBytes: number;
  /** Bytes waiting for a slow caller; beyond it its server connection is not read. */
  readonly maxCallerBacklogBytes: number;
  /** Bytes of notifications waiting for a caller that is in a transaction, or slow; beyond it the session ends. */
  readonly maxNotificationBytes: number;
  /** Bytes waiting for a slow Postgres; beyond it the caller is not read. */
  readonly maxServerBacklogBytes: number;
  /** Segments sent ahead of their answers while nobody waits for the connection. */
  readonly pipelineWindow: number;
  /** Named statements kept per server connection. PgBouncer's max_prepared_statements. */
  readonly maxPreparedStatements: number;
  /** Named statements one session may hold. */
  readonly maxSessionStatements: number;
  /** Distinct statement texts remembered per pool. */
  readonly maxStatementTexts: number;
  /** Largest segment kept for a retry after "cached plan must not change result type". */
  readonly maxReplayBytes: number;
  /** When a connection is reset between sessions. `dirty`: unless it is known clean. `never` is for measurements only. */
  readonly serverReset: 'always' | 'dirty' | 'never';
  /** Whether statements are shared only between sessions that parse alike (DateStyle and its kind). Off for tests only. */
  readonly parseContext: boolean;
  /** Whether independent autocommit statements of several callers may share a connection (shared-leases.ts). */
  readonly multiplexing: boolean;
}

export const defaultLimits: EngineLimits = {
  poolSize: 9,
  maxPinned: 0,
  maxServerConnections: 0,
  poolTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  loginTimeoutMs: 5_000,
  maxConcurrentLogins: 4,
  serverIdleTimeoutMs: 600_000,
  loginIdleTimeoutMs: 10_000,
  serverLifetimeMs: 3_600_000,
  callerIdleTimeoutMs: 3_600_000,
  recoveryTimeoutMs: 5_000,
  cancelTimeoutMs: 5_000,
  maxMessageBytes: 67_108_864,
  maxHeldBytes: 262_144,
  maxCallerBacklogBytes: 1_048_576,
  maxNotificationBytes: 16_777_216,
  maxServerBacklogBytes: 1_048_576,
  pipelineWindow: 16,
  maxPreparedStatements: 200,
  maxSessionStatements: 1_000,
  maxStatementTexts: 5_000,
  maxReplayBytes: 65_536,
  serverReset: 'dirty',
  parseContext: true,
  multiplexing: true,
};

/** The limits with what is left out filled in. A `maxPinned` of 0 means half the pool, at least one. */
export function resolveLimits(given: Partial<EngineLimits> = {}): EngineLimits {
  const limits = { ...defaultLimits, ...given };
  return limits.maxPinned > 0 ? limits : { ...limits, maxPinned: Math.max(1, Math.floor(limits.poolSize / 2)) };
}
