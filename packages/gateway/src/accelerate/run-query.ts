/** One query plan, run to its JSON. */
import {
  normalizeJsonProtocolValues,
  QueryInterpreter,
  safeJsonStringify,
  TransactionManager,
} from '@prisma/client-engine-runtime';
import type { SqlQueryable } from '@prisma/driver-adapter-utils';
import type { ClientVersion } from './client-version.ts';
import type { QueryRequest } from './request-body.ts';
import type { RequestScope } from './request-scope.ts';
import { rewritePlan } from './rewrite-plan.ts';
import { createSessionAdapter } from './session-adapter.ts';
import type { Telemetry } from './telemetry.ts';
import { responseTooLarge, type Tenant } from './tenant.ts';

export interface RunQueryOptions {
  readonly tenant: Tenant;
  readonly version: ClientVersion;
  readonly request: QueryRequest;
  readonly telemetry: Telemetry;
  readonly scope: RequestScope;
}

const provider = 'postgres';
const encoder = new TextEncoder();

/** Outside a transaction: a session for this request, and another when the plan needs a transaction of its own. */
export async function runQuery(options: RunQueryOptions): Promise<Uint8Array> {
  const { tenant, version, telemetry, scope } = options;
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
    return await interpret(options, adapter, { enabled: true, manager });
  } finally {
    await adapter.dispose();
  }
}

/** Inside an interactive transaction. */
export function runQueryWithin(options: RunQueryOptions, transaction: SqlQueryable): Promise<Uint8Array> {
  return interpret(options, transaction, { enabled: false });
}

type TransactionSetting = Parameters<QueryInterpreter['run']>[1]['transactionManager'];

async function interpret(
  { tenant, version, request, telemetry }: RunQueryOptions,
  queryable: SqlQueryable,
  transactionManager: TransactionSetting,
): Promise<Uint8Array> {
  const { plan, params, comments } = request;
  if (version.hasOldPlans) rewritePlan(plan);
  const interpreter = QueryInterpreter.forSql({
    tracingHelper: telemetry.tracing,
    // Without it statements are not cut into chunks, and long lists fail.
    provider,
    ...(telemetry.onQuery === undefined ? {} : { onQuery: telemetry.onQuery }),
  });
  const result = await interpreter.run(plan, {
    queryable,
    transactionManager,
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
  // Values of raw queries are the user's: JSON that looks like one of Prisma's tags must pass as it is.
  const isRaw = plan.type === 'query' && plan.args.type === 'rawSql';
  const json = encoder.encode(safeJsonStringify(isRaw ? result : normalizeJsonProtocolValues(result)) ?? 'null');
  if (json.length > tenant.plan.maxResponseBytes) throw responseTooLarge(tenant.plan);
  return json;
}
