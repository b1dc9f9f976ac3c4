/** Query plans, run to their JSON. */
import {
  QueryInterpreter,
  type QueryPlanNode,
  safeJsonStringify,
  TransactionManager,
} from '@prisma/client-engine-runtime';
import type { SqlQueryable } from '@prisma/driver-adapter-utils';
import type { ClientVersion } from './client-version.ts';
import { protocolJson } from './protocol-json.ts';
import type { QueryRequest } from './request-body.ts';
import type { RequestScope } from './request-scope.ts';
import { rewritePlan } from './rewrite-plan.ts';
import { createSessionAdapter } from './session-adapter.ts';
import type { Telemetry } from './telemetry.ts';
import { responseTooLarge, type Tenant } from './tenant.ts';

/** Whose plans are run, and for what request. */
export interface PlanContext {
  readonly tenant: Tenant;
  readonly version: ClientVersion;
  readonly telemetry: Telemetry;
}

/** What a plan is run on. */
export interface PlanTarget {
  readonly queryable: SqlQueryable;
  readonly transactionManager: Parameters<QueryInterpreter['run']>[1]['transactionManager'];
}

export type PlanRequest = Pick<QueryRequest, 'plan' | 'params' | 'comments'>;

const provider = 'postgres';
const encoder = new TextEncoder();

/** Outside a transaction: `work` gets a session for this request, and another when a plan needs a transaction of its own. */
export async function withSession<T>(
  { tenant, version, telemetry }: PlanContext,
  scope: RequestScope,
  work: (target: PlanTarget, manager: TransactionManager) => Promise<T>,
): Promise<T> {
  const adapter = createSessionAdapter({
    level: version.level,
    begin: 'joined',
    openSession: () => scope.watch(tenant.openSession()),
  });
  const manager = new TransactionManager({
    driverAdapter: adapter,
    transactionOptions: {},
    tracingHelper: telemetry.tracing,
    provider,
    ...(telemetry.onQuery === undefined ? {} : { onQuery: telemetry.onQuery }),
  });
  try {
    return await work({ queryable: adapter, transactionManager: { enabled: true, manager } }, manager);
  } finally {
    await adapter.dispose();
  }
}

/** Inside a transaction that is somebody else's to end. */
export function insideTransaction(transaction: SqlQueryable): PlanTarget {
  return { queryable: transaction, transactionManager: { enabled: false } };
}

/** The result as JSON. Throws AccelerateError P6009 when it is larger than the plan allows. */
export async function runQuery(context: PlanContext, request: PlanRequest, target: PlanTarget): Promise<Uint8Array> {
  return encodeResult(context, request.plan, await interpretPlan(context, request, target));
}

/** The result as the runtime gives it. */
export function interpretPlan(
  { version, telemetry }: PlanContext,
  { plan, params, comments }: PlanRequest,
  target: PlanTarget,
): Promise<unknown> {
  if (version.hasOldPlans) rewritePlan(plan);
  const interpreter = QueryInterpreter.forSql({
    tracingHelper: telemetry.tracing,
    // Without it statements are not cut into chunks, and long lists fail.
    provider,
    ...(telemetry.onQuery === undefined ? {} : { onQuery: telemetry.onQuery }),
  });
  return interpreter.run(plan, {
    ...target,
    scope: params,
    ...(comments === undefined
      ? {}
      : {
          sqlCommenter: {
            plugins: [() => ({ ...comments })],
            // The plugins ran in the client; nothing reads this.
            queryInfo: { type: 'single', action: 'queryRaw', query: {} },
          },
        }),
  });
}

function encodeResult({ tenant }: PlanContext, plan: QueryPlanNode, result: unknown): Uint8Array {
  // Values of raw queries are the user's: JSON that looks like one of Prisma's tags must pass as it is.
  const isRaw = plan.type === 'query' && plan.args.type === 'rawSql';
  const json = encoder.encode(isRaw ? (safeJsonStringify(result) ?? 'null') : protocolJson(result));
  if (json.length > tenant.plan.maxResponseBytes) throw responseTooLarge(tenant.plan);
  return json;
}
