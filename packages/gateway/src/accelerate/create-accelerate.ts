/** Puts the endpoint together from what the gateway has. */
import type { Clock, Engine } from '@postern/pool';
import type { ResultCache } from '../cache/result-cache.ts';
import type { AccessOf } from '../keys/key-access.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { createRateLimiter } from '../plans/rate-limiter.ts';
import type { Workplace } from '../workers/workplace.ts';
import type { AccelerateEvent } from './accelerate-event.ts';
import { type AccelerateHandler, createAccelerateHandler } from './accelerate-handler.ts';
import { createTenants } from './tenant.ts';
import { createTransactions } from './transactions.ts';

export interface AccelerateOptions {
  readonly keys: KeyRing;
  readonly accessOf: AccessOf;
  readonly engine: Pick<Engine, 'openSession'>;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly log: (event: AccelerateEvent) => void;
  /** Longest request body; default 10 MiB, as for `/sql`. */
  readonly maxRequestBytes?: number | undefined;
  readonly workplace: Pick<Workplace, 'accelerate' | 'accelerateTransactions' | 'limiter'>;
}

export function createAccelerate(options: AccelerateOptions): AccelerateHandler {
  const { keys, accessOf, engine, cache, clock, log, maxRequestBytes = 10_485_760, workplace } = options;
  const handler = createAccelerateHandler({
    keys,
    tenantOf: createTenants({ accessOf, engine }),
    transactions: workplace.accelerateTransactions(createTransactions()),
    cache,
    limiter: workplace.limiter(createRateLimiter({ clock })),
    clock,
    log,
    maxRequestBytes,
  });
  return workplace.accelerate(handler, maxRequestBytes);
}
