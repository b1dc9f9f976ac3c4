/** Bodies of the older protocol, checked as far as we need them. Queries are the compiler's to understand. */
import type { TransactionOptions } from '@prisma/client-engine-runtime';
import { badRequest, milliseconds, readBytes, readJson } from '../accelerate/request-body.ts';
import type { StartRequest } from '../accelerate/transactions.ts';
import type { CompileKind } from './compiler-thread.ts';

export type IsolationLevel = NonNullable<TransactionOptions['isolationLevel']>;

export interface ModelQuery {
  readonly model: string | undefined;
  /** `findMany` … */
  readonly action: string;
}

/** What is compiled at once. */
export interface QueryPart {
  readonly kind: CompileKind;
  /** As it came, if it is the only one: what the compiler gets. */
  readonly text: string;
  /** One, where it is a single query. */
  readonly queries: readonly ModelQuery[];
}

export interface GraphqlRequest {
  readonly kind: CompileKind;
  /** One, but for very long batches. */
  readonly parts: readonly QueryPart[];
  /** All of a batch or nothing. */
  readonly transaction: { readonly isolationLevel?: IsolationLevel } | undefined;
}

/**
 * Queries of one part. The compiler may make one statement of many that look alike, and finding each one's row among those of
 * all takes the square of their number; newer clients do that themselves.
 */
const maxQueriesTogether = 250;

/** Reads `{"modelName", "action", "query"}` or `{"batch": […], "transaction": {…}}`. Throws AccelerateError. */
export async function readGraphqlRequest(request: Request, maxBytes: number): Promise<GraphqlRequest> {
  const text = new TextDecoder().decode(await readBytes(request, maxBytes));
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badRequest('the request body is not valid JSON');
  }
  if (!isObject(body)) throw badRequest('the request body must be an object');
  if (body.batch === undefined) {
    return { kind: 'single', parts: [{ kind: 'single', text, queries: [parseQuery(body)] }], transaction: undefined };
  }
  if (!Array.isArray(body.batch)) throw badRequest('batch must be a list');
  return { kind: 'batch', parts: splitBatch(text, body.batch), transaction: parseTransaction(body.transaction) };
}

function splitBatch(text: string, batch: readonly unknown[]): QueryPart[] {
  if (batch.length <= maxQueriesTogether) return [{ kind: 'batch', text, queries: batch.map(parseQuery) }];
  const parts: QueryPart[] = [];
  for (let start = 0; start < batch.length; start += maxQueriesTogether) {
    const slice = batch.slice(start, start + maxQueriesTogether);
    parts.push({ kind: 'batch', text: writeBatch(slice), queries: slice.map(parseQuery) });
  }
  return parts;
}

function writeBatch(batch: readonly unknown[]): string {
  try {
    return JSON.stringify({ batch });
  } catch {
    // What can be read can be nested deeper than what can be written.
    throw badRequest('the request body is nested too deep');
  }
}

/** `{"max_wait", "timeout", "isolation_level"}`. */
export async function readStartRequest(request: Request, maxBytes: number): Promise<StartRequest> {
  const body = await readJson(request, maxBytes);
  const isolationLevel = parseIsolationLevel('isolation_level', body.isolation_level);
  return {
    // Prisma's own defaults.
    maxWait: milliseconds('max_wait', body.max_wait, 2_000),
    timeout: milliseconds('timeout', body.timeout, 5_000),
    ...(isolationLevel === undefined ? {} : { isolationLevel }),
  };
}

function parseQuery(value: unknown): ModelQuery {
  if (!isObject(value)) throw badRequest('a query must be an object');
  const { modelName, action } = value;
  if (modelName !== undefined && modelName !== null && typeof modelName !== 'string') {
    throw badRequest('modelName must be a text');
  }
  if (typeof action !== 'string' || action === '') throw badRequest('action must be a text');
  return { model: modelName ?? undefined, action };
}

function parseTransaction(value: unknown): GraphqlRequest['transaction'] {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw badRequest('transaction must be an object');
  const isolationLevel = parseIsolationLevel('isolationLevel', value.isolationLevel);
  return isolationLevel === undefined ? {} : { isolationLevel };
}

const isolationLevels: ReadonlyMap<unknown, IsolationLevel> = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
]);

function parseIsolationLevel(name: string, value: unknown): IsolationLevel | undefined {
  if (value === undefined || value === null) return undefined;
  const level = isolationLevels.get(value);
  if (level === undefined) throw badRequest(`${name} must be one of ${[...isolationLevels.keys()].join(', ')}`);
  return level;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
