/**
 * What differs between a gateway that is one process and one that is several. `createGateway` asks here instead of knowing:
 * alone, everything stays as it is.
 */
import { type Engine, type EngineLimits, type EngineOptions, resolveLimits } from '@postern/pool';
import type { AccelerateHandler } from '../accelerate/accelerate-handler.ts';
import type { PrismaService } from '../accelerate/create-accelerate.ts';
import type { Transactions } from '../accelerate/transactions.ts';
import type { AuthenticatorOptions } from '../auth/authenticator.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import type { DataProxyHandler } from '../data-proxy/data-proxy-handler.ts';
import type { CheckCaller } from '../http/caller-check.ts';
import type { SqlHandler } from '../http/sql-handler.ts';
import type { RateLimiter } from '../plans/rate-limiter.ts';
import type { ForwardRequest } from './forward-request.ts';
import { createRoutedAccelerate, markTransactions } from './routed-accelerate.ts';
import { createRoutedDataProxy } from './routed-data-proxy.ts';
import { createRoutedSqlHandler } from './routed-sql.ts';
import type { WorkerSeat } from './worker-seat.ts';
import { markTokenBytes } from './worker-tokens.ts';

/** One of several workers: its seat among them, and its way to send them requests. */
export interface WorkerPlace {
  readonly seat: WorkerSeat;
  readonly forward: ForwardRequest;
}

type RequestRules = Pick<PrismaService, 'hasKey' | 'maxRequestBytes'>;

export interface Workplace {
  readonly engine: Partial<Pick<EngineOptions, 'permits' | 'processNumber'>>;
  /** The engine's, where several processes share them. */
  limits(limits: Partial<EngineLimits>): Partial<EngineLimits>;
  readonly authenticator: Pick<AuthenticatorOptions, 'identityKey' | 'elsewhere'>;
  /** This process' part of a limit of the whole, rounded up. */
  part(limit: number): number;
  /** The engine as callers' CancelRequests see it: sessions of other workers are theirs too. */
  callersEngine(engine: Engine): Engine;
  tokenBytes(bytes: Uint8Array): Uint8Array;
  cache(cache: ResultCache): ResultCache;
  limiter(limiter: RateLimiter): RateLimiter;
  accelerateTransactions(transactions: Transactions): Transactions;
  sql(handler: SqlHandler, checkCaller: CheckCaller, maxRequestBytes: number | undefined): SqlHandler;
  accelerate(handler: AccelerateHandler, service: RequestRules): AccelerateHandler;
  dataProxy(handler: DataProxyHandler, service: RequestRules): DataProxyHandler;
}

/** `place` undefined: alone. */
export function createWorkplace(place: WorkerPlace | undefined): Workplace {
  return place === undefined ? alone : among(place);
}

const alone: Workplace = {
  engine: {},
  limits: (limits) => limits,
  authenticator: {},
  part: (limit) => limit,
  callersEngine: (engine) => engine,
  tokenBytes: (bytes) => bytes,
  cache: (cache) => cache,
  limiter: (limiter) => limiter,
  accelerateTransactions: (transactions) => transactions,
  sql: (handler) => handler,
  accelerate: (handler) => handler,
  dataProxy: (handler) => handler,
};

function among({ seat, forward }: WorkerPlace): Workplace {
  const { number: worker, count: workers } = seat;
  const part = (limit: number): number => Math.ceil(limit / workers);
  return {
    engine: { permits: seat.permits, processNumber: worker },
    // The primary looks after the limit over all pools. Pins cannot wait for anybody's answer, so they are divided.
    limits: (limits) => ({
      ...limits,
      maxServerConnections: 0,
      maxPinned: Math.max(1, Math.floor(resolveLimits(limits).maxPinned / workers)),
    }),
    authenticator: { identityKey: seat.identityKey, elsewhere: seat },
    part,
    callersEngine: (engine) => ({
      ...engine,
      cancel: async (processId, secretKey) =>
        (await engine.cancel(processId, secretKey)) || seat.cancelElsewhere(processId, secretKey),
    }),
    tokenBytes: (bytes) => markTokenBytes(bytes, worker),
    cache: (cache) => ({
      ...cache,
      async invalidate(scope, tags) {
        await cache.invalidate(scope, tags);
        await seat.invalidateElsewhere(scope, tags);
      },
    }),
    limiter: () => ({
      take: (key, perSecond) => (perSecond === undefined ? 0 : seat.takeRate(key, perSecond)),
    }),
    accelerateTransactions: (transactions) => markTransactions(transactions, worker),
    sql: (handler, checkCaller, maxRequestBytes) =>
      createRoutedSqlHandler({ handler, worker, workers, forward, checkCaller, maxRequestBytes }),
    accelerate: (handler, { hasKey, maxRequestBytes }) =>
      createRoutedAccelerate({ handler, worker, workers, forward, hasKey, maxRequestBytes }),
    dataProxy: (handler, { hasKey, maxRequestBytes }) =>
      createRoutedDataProxy({ handler, worker, workers, forward, hasKey, maxRequestBytes }),
  };
}
