// The error class for everything Postern itself refuses or fails at. Errors of Postgres are `DatabaseError` (wire).

import { errorCatalogue, type GatewayErrorCode, isGatewayErrorCode } from './error-catalogue.ts';

/** What a GatewayError may carry beside code and message. */
export interface GatewayErrorExtras {
  /** For operators' logs only; never sent to the caller. Must not hold secrets. */
  readonly detail?: string | undefined;
  /** Sent to the caller; the catalogue's cure when absent. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error of the gateway's own. `message` and `hint` are safe to show to the caller, `detail` and `cause` are not.
 * How it looks on each transport (`sqlstate`, `httpStatus`, `closeCode` …) comes from the catalogue.
 */
export class GatewayError extends Error {
  override readonly name: string = 'GatewayError';
  readonly kind = 'gateway' as const;
  readonly code: GatewayErrorCode;
  readonly sqlstate: string;
  readonly severity: 'ERROR' | 'FATAL';
  readonly httpStatus: number;
  readonly closeCode: number;
  readonly prismaCode: string;
  readonly safeToRetry: boolean;
  readonly detail: string | undefined;
  readonly hint: string;

  constructor(code: GatewayErrorCode, message: string, extras: GatewayErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    const entry = errorCatalogue[code];
    this.code = code;
    this.sqlstate = entry.sqlstate;
    this.severity = entry.severity;
    this.httpStatus = entry.httpStatus;
    this.closeCode = entry.closeCode;
    this.prismaCode = entry.prismaCode;
    this.safeToRetry = entry.safeToRetry;
    this.detail = extras.detail;
    this.hint = extras.hint ?? entry.cure;
  }
}

/**
 * The one text for a wrong user, password or endpoint, in Postgres' own words (28P01).
 * `why` tells operators which it was; the caller cannot tell (DESIGN.md, Authentication).
 */
export function passwordAuthenticationFailed(
  user: string,
  why: {
    readonly code?: 'authentication_failed' | 'endpoint_unknown';
    readonly detail?: string;
    readonly cause?: unknown;
  } = {},
): GatewayError {
  return new GatewayError(why.code ?? 'authentication_failed', `password authentication failed for user "${user}"`, {
    detail: why.detail,
    cause: why.cause,
  });
}

/**
 * Turns whatever was thrown into a GatewayError. Errors of the engine (plain objects with `kind: 'pool'` and a code of
 * the catalogue) keep code, message, detail and hint; anything unknown becomes `internal_error` with a text that
 * gives nothing away and the original as `cause`. DatabaseErrors are the caller's to handle first.
 */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (typeof error === 'object' && error !== null && 'kind' in error && error.kind === 'pool' && 'code' in error) {
    if (isGatewayErrorCode(error.code)) {
      const text = (key: 'message' | 'detail' | 'hint'): string | undefined => {
        const value: unknown = (error as Record<string, unknown>)[key]; // read as unknown, checked on the next line
        return typeof value === 'string' && value !== '' ? value : undefined;
      };
      const message = text('message') ?? errorCatalogue[error.code].meaning;
      return new GatewayError(error.code, message, { detail: text('detail'), hint: text('hint'), cause: error });
    }
  }
  return new GatewayError('internal_error', 'internal error of the gateway', {
    detail: error instanceof Error ? `${error.name}: ${error.message}` : 'something that is not an Error was thrown',
    cause: error,
  });
}
