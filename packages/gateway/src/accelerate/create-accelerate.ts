/** Puts Prisma's endpoints together from what the gateway has. */
import type { Clock, Engine } from '@postern/pool';
import type { ResultCache } from '../cache/result-cache.ts';
import type { AccessOf } from '../keys/key-access.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RateLimiter } from '../plans/rate-limiter.ts';
import type { Workplace } from '../workers/workplace.ts';
import type { AccelerateEvent } from './accelerate-event.ts';
import { type AccelerateHandler, createAccelerateHandler } from './accelerate-handler.ts';
import { createResponder, findGrant, type Respond } from './responder.ts';
import { createTenants } from './tenant.ts';
import { createTransactions, type Transactions } from './transactions.ts';

export interface PrismaServiceOptions {
  readonly keys: KeyRing;
  readonly accessOf: AccessOf;
  readonly engine: Pick<Engine, 'openSession'>;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly log: (event: AccelerateEvent) => void;
  /** Log requests that succeed, too. */
  readonly logsSuccess: boolean;
  /** Longest request body; default 10 MiB, as for `/sql`. */
  readonly maxRequestBytes?: number | undefined;
  readonly limiter: RateLimiter;
  readonly workplace: Pick<Workplace, 'accelerateTransactions'>;
}

/** Whether a request shows a good key. Never rejects: why not, `respond` finds again. */
export type HasKey = (request: Request) => Promise<boolean>;

/** What the two protocols have in common: whose request it is, its limits, its cache, its transactions. */
export interface PrismaService {
  readonly respond: Respond;
  readonly hasKey: HasKey;
  readonly transactions: Transactions;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly maxRequestBytes: number;
}

export function createPrismaService(options: PrismaServiceOptions): PrismaService {
  const { keys, accessOf, engine, cache, clock, log, logsSuccess, maxRequestBytes = 10_485_760 } = options;
  const { limiter, workplace } = options;
  return {
    respond: createResponder({
      keys,
      tenantOf: createTenants({ accessOf, engine }),
      limiter,
      clock,
      log,
      logsSuccess,
    }),
    hasKey: (request) =>
      findGrant(keys, request).then(
        (grant) => grant !== undefined,
        () => false,
      ),
    transactions: workplace.accelerateTransactions(createTransactions()),
    cache,
    clock,
    maxRequestBytes,
  };
}

export function createAccelerate(service: PrismaService, workplace: Pick<Workplace, 'accelerate'>): AccelerateHandler {
  return workplace.accelerate(createAccelerateHandler(service), service);
}
