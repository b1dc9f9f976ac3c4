/** Puts the endpoint together from what the gateway has. */
import type { Clock, Engine } from '@postern/pool';
import type { Authenticator } from '../auth/authenticator.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { createKeyRing, type KeySource } from '../keys/key-ring.ts';
import { type PlanName, type PlanSettings, resolvePlans } from '../plans/plan.ts';
import { createRateLimiter } from '../plans/rate-limiter.ts';
import type { AccelerateEvent } from './accelerate-event.ts';
import { type AccelerateHandler, createAccelerateHandler } from './accelerate-handler.ts';
import { createTenants } from './tenant.ts';
import { createTransactions } from './transactions.ts';

export interface AccelerateOptions {
  readonly keys: KeySource;
  /** Changes to the plans of the product, and further ones. */
  readonly plans?: Readonly<Record<PlanName, PlanSettings>> | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly engine: Pick<Engine, 'openSession'>;
  readonly authenticator: Pick<Authenticator, 'passwordIdentity'>;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly log: (event: AccelerateEvent) => void;
  /** Longest request body; default 10 MiB, as for `/sql`. */
  readonly maxRequestBytes?: number | undefined;
}

export function createAccelerate(options: AccelerateOptions): AccelerateHandler {
  const { keys, plans, endpoints, engine, authenticator, cache, clock, log, maxRequestBytes = 10_485_760 } = options;
  return createAccelerateHandler({
    keys: createKeyRing(keys),
    tenantOf: createTenants({
      endpoints,
      engine,
      plans: resolvePlans(plans),
      passwordIdentity: (endpoint, user, password) => authenticator.passwordIdentity(endpoint, user, password),
    }),
    transactions: createTransactions(),
    cache,
    limiter: createRateLimiter({ clock }),
    clock,
    log,
    maxRequestBytes,
  });
}
