/**
 * The engine: sessions on one side, pools of server connections on the other. I/O only through `dial` and the byte streams
 * that are passed in, time only through `clock`.
 */
import {
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeErrorResponse,
  encodeParameterStatus,
} from '@postern/wire';
import { SpareBuffers } from './byte-buffer.ts';
import type { ByteStream } from './byte-stream.ts';
import { CancelKeys } from './cancel-keys.ts';
import { sendCancelRequest } from './cancel-request.ts';
import type { Clock } from './clock.ts';
import { retryWithin } from './connect-retry.ts';
import { DirectSession } from './direct-session.ts';
import type { EngineContext, EngineEvent } from './engine-context.ts';
import { errorMessage, readyForQuery } from './error-message.ts';
import { PoolError } from './errors.ts';
import type { Dial, Identity, Target } from './identity.ts';
import { createIdleCallers } from './idle-callers.ts';
import { createLimitGroups } from './limit-groups.ts';
import { type EngineLimits, resolveLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { PermitLedger, type PermitSource } from './permit-ledger.ts';
import { Pool } from './pool.ts';
import { connectFailed } from './pool-errors.ts';
import type { PoolStats } from './pool-stats.ts';
import { SendBatches } from './send-batches.ts';
import { ServerBudget, targetKey } from './server-budget.ts';
import { PooledSession, refuse } from './session.ts';
import { parseStartupOptions } from './startup-options.ts';
import { Turns } from './turns.ts';

export interface EngineOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  /** Calls back once the events that are there now have been dealt with (setImmediate); a microtask when left out. */
  readonly soon?: (callback: () => void) => void;
  /** Cryptographically strong random bytes. */
  random(bytes: number): Uint8Array;
  log?(event: EngineEvent): void;
  readonly limits?: Partial<EngineLimits>;
  /** Where several processes share one budget: pools then have what this grants them. */
  readonly permits?: PermitSource;
  /** 1 to 127, in the upper bits of virtual process ids: tells several processes' cancel keys apart. */
  readonly processNumber?: number;
}

export interface SessionOptions {
  readonly stream: ByteStream;
  readonly target: Target;
  readonly identity: Identity;
  readonly mode: 'pooled' | 'direct';
  /** As the caller sent them, without user, database and the gateway's own options; `options` still as one text. */
  readonly startupParameters: ReadonlyMap<string, string>;
  readonly settings?: {
    readonly poolTimeoutMs?: number | undefined;
    readonly connectTimeoutMs?: number | undefined;
    readonly connectionLimit?: number | undefined;
    /** Whose limit that is; undefined: of all with the same application_name. */
    readonly limitGroup?: string | undefined;
  };
  readonly protocolMinor?: 0 | 2;
  /** Bytes received behind the start-up; copied. */
  readonly initialBytes?: Uint8Array;
  /** false: no AuthenticationOk … ReadyForQuery is sent, and the gateway's end reaches who waits as the stream's error (HTTP). */
  readonly greeting?: boolean;
  /** For operators: who this is. */
  readonly label?: string;
}

export interface Session {
  /** 0: not known yet, of a direct session, whose is Postgres' own; it calls `onOpened` when it is. */
  readonly processId: number;
  onOpened?: (() => void) | undefined;
  readonly phase: 'opening' | 'open' | 'closed';
  /**
   * Of a pooled session that has been answered: nothing on it can be noticed by whoever uses it next, but the statements
   * it was given names for. A session like a new one, for frontends whose callers do not stay (HTTP). Never true when
   * `serverReset` is `always`.
   */
  readonly isUntouched?: boolean;
  /** The frontend keeps it for a caller to come: it does not count as a session. */
  isSpare?: boolean;
  close(): void;
}

export interface EngineStats {
  readonly sessions: { readonly pooled: number; readonly direct: number };
  readonly pools: readonly PoolStats[];
}

export interface Engine {
  /**
   * Logs in to Postgres; the connection is kept for the pool. Waits for a Postgres that is starting or full.
   * @throws DatabaseError as Postgres gave it, PoolError when it cannot be reached in time.
   */
  login(target: Target, identity: Identity, budget: { readonly connectTimeoutMs: number }): Promise<void>;
  /** Starts a session for an authenticated caller and takes its stream over. */
  openSession(options: SessionOptions): Session;
  /** Resolves when the CancelRequest has been dealt with: whether one of our sessions has this key, which nobody else may learn. */
  cancel(processId: number, secretKey: Uint8Array): Promise<boolean>;
  stats(): EngineStats;
  /** Ends what is idle now, what runs when it is done or the grace is over. */
  close(graceMs: number): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, dial } = options;
  const limits = resolveLimits(options.limits);
  const pools = new Map<string, Pool>();
  const keys = new CancelKeys<PooledSession | DirectSession>((bytes) => options.random(bytes), options.processNumber);
  const permits = options.permits === undefined ? undefined : new PermitLedger(options.permits, clock);
  const waitingPools = new Set<Pool>();
  const budget = new ServerBudget(limits.maxServerConnections, pools);
  /** Tell those whose logins are under way that it ends without them. */
  const loginEndings = new Set<(error: PoolError) => void>();
  const groups = createLimitGroups(permits);
  const idleCallers = createIdleCallers<PooledSession>({
    clock,
    timeoutMs: limits.callerIdleTimeoutMs,
    // A direct session is between its caller and Postgres, which has a limit of its own.
    sessions: () => [...keys.sessions()].filter((session) => session instanceof PooledSession),
    look: (session) => session,
    disconnect(session, error) {
      session.fail(errorMessage('FATAL', '', error));
    },
  });
  const toServer = new SendBatches(() => turns.begin());
  const toCaller = new Outbox(() => turns.begin());
  const turns = new Turns(clock, options.soon ?? queueMicrotask, (now) => {
    toServer.send(turns.startedAt, now);
    toCaller.flush();
  });
  let isClosing = false;
  let isSweeping = false;
  let isWatching = false;

  const context: EngineContext = {
    limits,
    clock,
    dial,
    toServer,
    toCaller,
    spareBuffers: new SpareBuffers(),
    permits,
    get isClosing() {
      return isClosing;
    },
    log: (event) => options.log?.(event),
    random: (bytes) => options.random(bytes),
    turns,
    watchWaiters(pool) {
      waitingPools.add(pool);
      if (!isWatching) {
        isWatching = true;
        clock.after(100, watch);
      }
    },
    closeIdleElsewhere(pool) {
      for (const other of pools.values()) {
        const { host, port, database } = other.target;
        if (host !== pool.target.host || port !== pool.target.port || database === pool.target.database) continue;
        other.leaveDatabase();
      }
    },
    schemaChanged({ target: { host, port, database } }) {
      for (const { target, texts, relations } of pools.values()) {
        if (host !== target.host || port !== target.port || database !== target.database) continue;
        relations.forget();
        texts.changedAt = turns.startedAt;
      }
    },
    mayConnect: (pool) => budget.makeRoom(pool),
    serverIsFull: (to, identity, refusal) => budget.closeIdleFor(to, identity, refusal),
    isOverBudget: (pool) => budget.isExceeded(pool.target),
    connectionOpened(pool) {
      budget.opened(pool.target);
      if (!isSweeping) {
        isSweeping = true;
        clock.after(5_000, sweep);
      }
    },
    connectionClosed(pool) {
      budget.closed(pool.target);
      permits?.changed(pool);
      if (budget.isLimited) for (const other of waitingPools) other.openIfWanted();
    },
    cancelOnServer: (target, server) =>
      sendCancelRequest({ dial, clock, timeoutMs: limits.cancelTimeoutMs }, target, server),
    shuttingDown: () =>
      new PoolError({
        code: 'shutting_down',
        sqlstate: '57P01',
        message: 'terminating connection: the gateway is shutting down',
        safeToRetry: true,
      }),
  };

  /** Time limits of waiting are looked after by one timer for all. */
  function watch(): void {
    for (const pool of waitingPools) {
      pool.expireWaiters();
      if (pool.waiters.length === 0) waitingPools.delete(pool);
    }
    isWatching = waitingPools.size > 0;
    if (isWatching) clock.after(100, watch);
  }

  function sweep(): void {
    let isAnyOpen = false;
    for (const [key, pool] of pools) {
      groups.sweep(pool);
      if (pool.closeStale()) isAnyOpen = true;
      else if (pool.isUnused) drop(key, pool);
    }
    permits?.sweep();
    isSweeping = isAnyOpen;
    if (isSweeping) clock.after(5_000, sweep);
  }

  function drop(key: string, pool: Pool): void {
    pools.delete(key);
    permits?.remove(pool);
  }

  function poolFor(target: Target, identity: Identity): Pool {
    const key = poolKey(target, identity);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(context, target, identity, target.poolSize ?? limits.poolSize);
      pools.set(key, pool);
      permits?.add(pool, key, targetKey(target));
    }
    return pool;
  }

  async function logInOnce(target: Target, identity: Identity, timeoutMs: number): Promise<void> {
    const pool = poolFor(target, identity);
    try {
      await pool.login(timeoutMs);
    } catch (error) {
      // Made up credentials must not leave pools behind.
      if (pool.isUnused) drop(poolKey(target, identity), pool);
      throw connectFailed(error);
    }
  }

  function greetingOf(
    processId: number,
    secretKey: Uint8Array,
  ): (parameters: ReadonlyMap<string, string>) => Uint8Array[] {
    return (parameters) => [
      encodeAuthenticationOk(),
      ...[...parameters].map(([name, value]) => encodeParameterStatus(name, value)),
      encodeBackendKeyData(processId, secretKey),
      readyForQuery(0x49),
    ];
  }

  function openDirect(given: SessionOptions): Session {
    const opening = Symbol();
    const session = new DirectSession({
      context,
      target: given.target,
      identity: given.identity,
      stream: given.stream,
      parameters: given.startupParameters,
      connectTimeoutMs: given.settings?.connectTimeoutMs ?? limits.connectTimeoutMs,
      protocolMinor: given.protocolMinor ?? 0,
      initialBytes: given.initialBytes,
      greeting(opened, server) {
        // The server's own process id, which notifications and pg_stat_activity show; the secret is ours.
        const { processId, secretKey } = keys.create(given.protocolMinor === 2 ? 32 : 4, server.processId);
        opened.processId = processId;
        keys.delete(opening);
        keys.set(processId, secretKey, opened);
        return greetingOf(processId, secretKey)(server.parameters);
      },
      onClosed: (closed) => {
        keys.delete(opening);
        keys.delete(closed.processId);
      },
    });
    keys.set(opening, new Uint8Array(0), session);
    return session;
  }

  function openPooled(given: SessionOptions): Session {
    const { processId, secretKey } = keys.create(given.protocolMinor === 2 ? 32 : 4);
    const pool = poolFor(given.target, given.identity);
    pool.sessions++;
    const { settings: startup, error } = parseStartupOptions(given.startupParameters);
    const { connectionLimit, limitGroup } = given.settings ?? {};
    const group = groups.find(pool, connectionLimit, limitGroup ?? startup.get('application_name') ?? '');
    const session = new PooledSession({
      context,
      pool,
      stream: given.stream,
      isInner: given.greeting === false,
      processId,
      label: given.label ?? '',
      limits: {
        poolTimeoutMs: given.settings?.poolTimeoutMs ?? limits.poolTimeoutMs,
        connectTimeoutMs: given.settings?.connectTimeoutMs ?? limits.connectTimeoutMs,
        group,
      },
      onClosed: () => {
        keys.delete(processId);
        pool.sessions--;
        if (group !== undefined) group.sessions--;
        if (keys.size === 0) idleCallers.rest();
      },
    });
    keys.set(processId, secretKey, session);
    if (given.initialBytes !== undefined && given.initialBytes.length > 0)
      session.input.receiveInitial(given.initialBytes);
    const greeting = greetingOf(processId, secretKey);
    if (error === undefined) session.start(startup, given.greeting === false ? undefined : greeting);
    else {
      const routine = 'process_postgres_switches';
      session.fail(encodeErrorResponse({ severity: 'FATAL', code: '42601', message: error, routine }));
    }
    return session;
  }

  return {
    login: (target, identity, { connectTimeoutMs }) =>
      new Promise((resolve, reject) => {
        if (isClosing) return reject(context.shuttingDown());
        loginEndings.add(reject);
        retryWithin({
          clock,
          budgetMs: connectTimeoutMs,
          isOver: () => isClosing,
          attempt: (leftMs) => logInOnce(target, identity, Math.min(limits.loginTimeoutMs, leftMs)),
        })
          .then(resolve, reject)
          .finally(() => loginEndings.delete(reject));
      }),
    openSession(given) {
      if (isClosing) {
        refuse(given.stream, context.shuttingDown(), given.greeting === false);
        return { processId: 0, phase: 'closed', close: () => {} };
      }
      if (given.mode === 'direct') return openDirect(given);
      idleCallers.watch();
      return openPooled(given);
    },
    async cancel(processId, secretKey) {
      const session = keys.find(processId, secretKey);
      await session?.cancel().catch(() => {});
      return session !== undefined;
    },
    stats() {
      let direct = 0;
      let spare = 0;
      for (const session of keys.sessions()) {
        if (session instanceof DirectSession) direct++;
        else if (session.isSpare) spare++;
      }
      return {
        sessions: { pooled: keys.size - direct - spare, direct },
        pools: [...pools.values()].map((pool) => pool.stats()),
      };
    },
    async close(graceMs) {
      isClosing = true;
      const endAt = clock.now() + graceMs;
      const goodbye = context.shuttingDown();
      for (const end of loginEndings) end(goodbye);
      for (;;) {
        let isBusy = false;
        for (const session of [...keys.sessions()]) {
          if (session instanceof DirectSession) {
            if (session.isIdle || clock.now() >= endAt) session.fail(goodbye);
            else isBusy = true;
            // Who waits for a server connection will get none any more.
          } else if (session.server === undefined) session.refuse(goodbye);
          else if (clock.now() >= endAt) session.fail(errorMessage('FATAL', '', goodbye));
          else isBusy = true;
        }
        if (!isBusy) break;
        await new Promise<void>((resolve) => {
          clock.after(20, resolve);
        });
      }
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** What decides which server connections are interchangeable. */
function poolKey(target: Target, identity: Identity): string {
  return `${targetKey(target)}/${target.database}/${identity.id}`;
}
