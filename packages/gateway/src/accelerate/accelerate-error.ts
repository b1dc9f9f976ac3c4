/**
 * Errors of the Accelerate-compatible routes (reference/prisma.md §2.1). Prisma's client reads `code`, `error` and `meta`
 * of the body and never the status; the statuses are for people and proxies.
 */
import { GatewayError } from '@postern/contract';
import { TransactionManagerError, UserFacingError } from '@prisma/client-engine-runtime';
import { toUserFacingError } from './user-facing-error.ts';

const statuses = {
  /** Anything without a code of its own. */
  P6000: 500,
  /** The API key is unknown, revoked or missing. */
  P6002: 401,
  /** The request took longer than the plan allows; what ran was cancelled in Postgres. */
  P6004: 504,
  /** A transaction timeout above what the plan allows. */
  P6005: 400,
  /** The client's version is not one that is understood. */
  P6006: 400,
  /** The database cannot be reached, or does not let the key's role in. */
  P6008: 503,
  /** The result is larger than the plan allows. */
  P6009: 507,
  /** The schema of an older client is not here: it uploads it and asks again. */
  P5005: 404,
  /** Too many requests. */
  P5011: 429,
  /** No server connection became free in time. */
  P2024: 503,
  P2028: 409,
} as const;

export type AccelerateErrorCode = keyof typeof statuses;

export interface AccelerateErrorExtras {
  readonly status?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
  /** For operators' logs only. */
  readonly detail?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error of the endpoint's own; its message is safe to show. */
export class AccelerateError extends Error {
  override readonly name = 'AccelerateError';
  readonly code: AccelerateErrorCode;
  readonly status: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly detail: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: AccelerateErrorCode, message: string, extras: AccelerateErrorExtras = {}) {
    super(message);
    this.code = code;
    this.status = extras.status ?? statuses[code];
    this.meta = extras.meta ?? {};
    this.detail = extras.detail;
    this.headers = extras.headers ?? {};
  }
}

export interface AccelerateErrorReply {
  readonly status: number;
  /** Without `meta` the client takes the whole body for it. */
  readonly body: { readonly code: string; readonly error: string; readonly meta: unknown };
  readonly headers: Readonly<Record<string, string>>;
  /** Nobody expected this: the operator should see it. */
  readonly isDefect: boolean;
}

/** What a caller is told about whatever was thrown: never a stack, never a path. */
export function accelerateErrorReply(thrown: unknown): AccelerateErrorReply {
  const error = toUserFacingError(thrown);
  if (error instanceof AccelerateError) {
    const { status, code, message, meta, headers } = error;
    return { status, headers, isDefect: false, body: { code, error: message, meta } };
  }
  if (error instanceof UserFacingError) {
    const { code, message, meta } = error;
    const status = error instanceof TransactionManagerError ? 409 : 400;
    return { status, headers: {}, isDefect: false, body: { code, error: message, meta } };
  }
  if (error instanceof GatewayError) {
    const { httpStatus, prismaCode, message } = error;
    return { status: httpStatus, headers: {}, isDefect: false, body: { code: prismaCode, error: message, meta: {} } };
  }
  // The interpreter's own complaints about a plan or a value: the caller's business, and about the caller's data.
  const message = error instanceof Error ? error.message : 'unknown error';
  return { status: 500, headers: {}, isDefect: true, body: { code: 'P6000', error: message, meta: {} } };
}
