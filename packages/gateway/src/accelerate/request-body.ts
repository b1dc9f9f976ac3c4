/** Bodies of the Accelerate-compatible routes, checked. Plans are the runtime's to understand. */
import { GatewayError } from '@postern/contract';
import type { QueryPlanNode } from '@prisma/client-engine-runtime';
import { checkTags } from '../cache/cache-strategy.ts';
import { AccelerateError } from './accelerate-error.ts';
import type { StartRequest } from './transactions.ts';

export interface QueryRequest {
  readonly model: string | undefined;
  readonly operation: string;
  readonly plan: QueryPlanNode;
  readonly params: Record<string, unknown>;
  readonly comments: Readonly<Record<string, string>> | undefined;
}

/** Reads the whole body as JSON; no body is an empty object. Throws GatewayError. */
export async function readJson(request: Request, maxBytes: number): Promise<Readonly<Record<string, unknown>>> {
  const text = new TextDecoder().decode(await readBytes(request, maxBytes));
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('the request body is not valid JSON');
  }
  if (!isObject(value)) throw badRequest('the request body must be an object');
  return value;
}

export function parseQueryRequest(body: Readonly<Record<string, unknown>>): QueryRequest {
  const { model, operation, plan, params, comments } = body;
  if (model !== undefined && typeof model !== 'string') throw badRequest('model must be a text');
  if (typeof operation !== 'string' || operation === '') throw badRequest('operation must be a text');
  if (!isObject(plan) || typeof plan.type !== 'string') throw badRequest('plan must be a query plan');
  if (params !== undefined && !isObject(params)) throw badRequest('params must be an object');
  return {
    model,
    operation,
    plan: plan as QueryPlanNode, // its nodes are checked by the interpreter as it comes to them
    params: params ?? {},
    comments: parseComments(comments),
  };
}

const isolationLevels = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SNAPSHOT', 'SERIALIZABLE'] as const;

export interface StartBody extends StartRequest {
  /** An open transaction to nest in. */
  readonly within: string | undefined;
}

export function parseStartRequest(body: Readonly<Record<string, unknown>>): StartBody {
  const { isolationLevel, newTxId } = body;
  const level = isolationLevels.find((name) => name === isolationLevel);
  if (isolationLevel !== undefined && isolationLevel !== null && level === undefined) {
    throw badRequest(`isolationLevel must be one of ${isolationLevels.join(', ')}`);
  }
  if (newTxId !== undefined && typeof newTxId !== 'string') throw badRequest('newTxId must be a text');
  return {
    // Prisma's own defaults.
    maxWait: milliseconds('maxWait', body.maxWait, 2_000),
    timeout: milliseconds('timeout', body.timeout, 5_000),
    ...(level === undefined ? {} : { isolationLevel: level }),
    within: newTxId,
  };
}

/** `{"tags": ["a", …]}` or `{"tags": "all"}`. */
export function parseInvalidateRequest(body: Readonly<Record<string, unknown>>): readonly string[] | 'all' {
  const { tags } = body;
  if (tags === 'all') return 'all';
  const isTags = Array.isArray(tags) && tags.length > 0 && tags.every((tag) => typeof tag === 'string');
  if (!isTags) throw badRequest('tags must be a list of texts, or "all"');
  try {
    return checkTags(tags);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

export function badRequest(message: string): AccelerateError {
  return new AccelerateError('P6000', message, { status: 400 });
}

export function milliseconds(name: string, value: unknown, byDefault: number): number {
  if (value === undefined || value === null) return byDefault;
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
    throw badRequest(`${name} must be a number of milliseconds above 0`);
  }
  return value;
}

function parseComments(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw badRequest('comments must be an object');
  const comments: Record<string, string> = {};
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw badRequest('comments must hold texts');
    comments[name] = text;
  }
  return Object.keys(comments).length === 0 ? undefined : comments;
}

/** The whole body. Throws a GatewayError as soon as it is longer than allowed. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): GatewayError =>
    new GatewayError('request_too_large', `request is too large (max is ${maxBytes} bytes)`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
