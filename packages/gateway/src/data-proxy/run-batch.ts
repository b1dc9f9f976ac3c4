/** Several queries in one request: `$transaction([…])`, and reads that the client put together. */
import {
  type BatchResponse,
  type CompactedBatchResponse,
  convertCompactedRows,
  type QueryPlanNode,
  UserFacingError,
} from '@prisma/client-engine-runtime';
import { protocolJson } from '../accelerate/protocol-json.ts';
import type { RequestScope } from '../accelerate/request-scope.ts';
import {
  insideTransaction,
  interpretPlan,
  type PlanContext,
  type PlanTarget,
  runQuery,
  withSession,
} from '../accelerate/run-query.ts';
import { responseTooLarge } from '../accelerate/tenant.ts';
import { engineError } from './error-reply.ts';
import { BatchFailure } from './refusal.ts';
import type { GraphqlRequest, ModelQuery } from './request-body.ts';
import { joinJson, nameResult } from './result-json.ts';

export interface CompiledBatch {
  readonly parts: readonly { readonly queries: readonly ModelQuery[]; readonly compiled: BatchResponse }[];
  readonly transaction: GraphqlRequest['transaction'];
}

const encoder = new TextEncoder();

/** The JSON of `batchResult`, of a batch that is in nobody else's transaction. */
export function runBatch(context: PlanContext, scope: RequestScope, batch: CompiledBatch): Promise<Uint8Array> {
  const { parts, transaction } = batch;
  const isOneStatement = parts.length === 1 && parts[0]?.compiled.type === 'compacted';
  return withSession(context, scope, async (target, manager) => {
    if (transaction === undefined || isOneStatement) return runBatchOn(context, target, batch);
    const { transactionTimeoutMs } = context.tenant.plan;
    const { id } = await manager.startTransaction({
      ...transaction,
      timeout: transactionTimeoutMs,
      maxWait: transactionTimeoutMs,
    });
    try {
      const queryable = await manager.getTransaction({ id }, 'batch query');
      const result = await runBatchOn(context, insideTransaction(queryable), batch);
      await manager.commitTransaction(id);
      return result;
    } catch (error) {
      // Over already, if it was the COMMIT that failed or the time that ran out.
      await manager.rollbackTransaction(id).catch(() => {});
      throw error;
    }
  });
}

/** The same, on whatever it is to run on. */
export async function runBatchOn(
  context: PlanContext,
  target: PlanTarget,
  { parts, transaction }: CompiledBatch,
): Promise<Uint8Array> {
  const { plan: limits } = context.tenant;
  const items: Uint8Array[] = [];
  let size = 0;
  const add = (item: Uint8Array): void => {
    size += item.length;
    if (size > limits.maxResponseBytes) throw responseTooLarge(limits);
    items.push(item);
  };
  for (const { queries, compiled } of parts) {
    if (compiled.type === 'compacted') await runCompacted(compiled, queries[0]!.action);
    else await runEach(compiled.plans, queries);
  }
  return joinJson(items);

  /** One statement instead of many: each query gets its row. */
  async function runCompacted(compiled: CompactedBatchResponse, action: string): Promise<void> {
    const rows = await interpretPlan(context, { plan: compiled.plan, params: {}, comments: undefined }, target);
    for (const row of convertCompactedRows(rows as object[], compiled)) {
      if (row instanceof UserFacingError) add(failure(row));
      else add(success(action, encoder.encode(protocolJson(row))));
    }
  }

  async function runEach(plans: readonly QueryPlanNode[], queries: readonly ModelQuery[]): Promise<void> {
    for (const [index, plan] of plans.entries()) {
      try {
        const result = await runQuery(context, { plan, params: {}, comments: undefined }, target);
        add(success(queries[index]!.action, result));
      } catch (error) {
        if (!(error instanceof UserFacingError)) throw error;
        // In a transaction of their own all of them fail; else each is by itself.
        if (transaction !== undefined) throw new BatchFailure(items.length, error);
        add(failure(error));
      }
    }
  }
}

function success(action: string, result: Uint8Array): Uint8Array {
  return nameResult('data', nameResult(action, result));
}

function failure(error: UserFacingError): Uint8Array {
  return encoder.encode(JSON.stringify({ errors: [engineError(error)] }));
}
