/** What a key may use. The defaults are the tables of Prisma's own plans (reference/seeds.md); operators edit them. */
export interface Plan {
  /** Server connections this key may use at once. */
  readonly connectionLimit: number;
  /** Longest time for one request; what still runs then is cancelled in Postgres. */
  readonly queryTimeoutMs: number;
  /** Longest interactive transaction a caller may ask for. */
  readonly transactionTimeoutMs: number;
  readonly maxResponseBytes: number;
  /** Requests per second over time; twice as many may come at once. Undefined: as many as come. */
  readonly requestsPerSecond: number | undefined;
}

export type PlanName = string;

const megabyte = 1_048_576;

export const defaultPlans: Readonly<Record<'free' | 'starter' | 'pro' | 'business', Plan>> = {
  free: {
    connectionLimit: 10,
    queryTimeoutMs: 10_000,
    transactionTimeoutMs: 15_000,
    maxResponseBytes: 5 * megabyte,
    requestsPerSecond: 100,
  },
  starter: {
    connectionLimit: 100,
    queryTimeoutMs: 10_000,
    transactionTimeoutMs: 15_000,
    maxResponseBytes: 5 * megabyte,
    requestsPerSecond: 500,
  },
  pro: {
    connectionLimit: 500,
    queryTimeoutMs: 20_000,
    transactionTimeoutMs: 30_000,
    maxResponseBytes: 10 * megabyte,
    requestsPerSecond: undefined,
  },
  business: {
    connectionLimit: 1_000,
    queryTimeoutMs: 60_000,
    transactionTimeoutMs: 90_000,
    maxResponseBytes: 20 * megabyte,
    requestsPerSecond: undefined,
  },
};

/** Changes to one plan, or a plan of the operator's own: what is left out is as in `business`. */
export type PlanSettings = { readonly [K in keyof Plan]?: Plan[K] | undefined };

/** The plans by name: the defaults with the operator's changes, and the operator's own. */
export function resolvePlans(changes: Readonly<Record<PlanName, PlanSettings>> = {}): ReadonlyMap<PlanName, Plan> {
  const plans = new Map<PlanName, Plan>(Object.entries(defaultPlans));
  for (const [name, settings] of Object.entries(changes)) {
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    plans.set(name, { ...(plans.get(name) ?? defaultPlans.business), ...given });
  }
  return plans;
}
