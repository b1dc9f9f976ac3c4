/** Several queries in one request: `$transaction([…])`, and reads that the client put together. */
import {
  type BatchResponse,
  convertCompactedRows,
  normalizeJsonProtocolValues,
  type QueryPlanNode,
  safeJsonStringify,
  UserFacingError,
} from '@prisma/client-engine-runtime';
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
import type { GraphqlRequest } from './request-body.ts';
import { joinJson, nameResult } from './result-json.ts';

export interface Batch {
  readonly request: GraphqlRequest;
  readonly compiled: BatchResponse;
}

const encoder = new TextEncoder();

/** The JSON of `batchResult`, of a batch that is in nobody else's transaction. */
export function runBatch(context: PlanContext, scope: RequestScope, batch: Batch): Promise<Uint8Array> {
  const { transaction } = batch.request;
  return withSession(context, scope, async (target, manager) => {
    if (transaction === undefined || batch.compiled.type === 'compacted') return runOn(context, target, batch);
    const { transactionTimeoutMs } = context.tenant.plan;
    const { id } = await manager.startTransaction({
      ...transaction,
      timeout: transactionTimeoutMs,
      maxWait: transactionTimeoutMs,
    });
    try {
      const queryable = await manager.getTransaction({ id }, 'batch query');
      const result = await runOn(context, insideTransaction(queryable), batch);
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
export async function runOn(context: PlanContext, target: PlanTarget, batch: Batch): Promise<Uint8Array> {
  const { request, compiled } = batch;
  const items = compiled.type === 'compacted' ? await runCompacted() : await runEach(compiled.plans);
  checkSize(items);
  return joinJson(items);

  /** One query instead of many: each gets its row. */
  async function runCompacted(): Promise<Uint8Array[]> {
    if (compiled.type !== 'compacted') return [];
    const { action } = request.queries[0]!;
    const rows = await interpretPlan(context, { plan: compiled.plan, params: {}, comments: undefined }, target);
    return convertCompactedRows(rows as object[], compiled).map((row) => {
      if (row instanceof UserFacingError) return failure(row);
      return item(action, encoder.encode(safeJsonStringify(normalizeJsonProtocolValues(row))));
    });
  }

  async function runEach(plans: readonly QueryPlanNode[]): Promise<Uint8Array[]> {
    const items: Uint8Array[] = [];
    for (const [index, plan] of plans.entries()) {
      try {
        const result = await runQuery(context, { plan, params: {}, comments: undefined }, target);
        items.push(item(request.queries[index]!.action, result));
      } catch (error) {
        if (!(error instanceof UserFacingError)) throw error;
        // In a transaction of their own all of them fail; else each is by itself.
        if (request.transaction !== undefined) throw new BatchFailure(index, error);
        items.push(failure(error));
      }
      checkSize(items);
    }
    return items;
  }

  function checkSize(items: readonly Uint8Array[]): void {
    const { plan } = context.tenant;
    if (items.reduce((size, { length }) => size + length, 0) > plan.maxResponseBytes) throw responseTooLarge(plan);
  }
}

function item(action: string, result: Uint8Array): Uint8Array {
  return nameResult('data', nameResult(action, result));
}

function failure(error: UserFacingError): Uint8Array {
  return encoder.encode(JSON.stringify({ errors: [engineError(error)] }));
}
