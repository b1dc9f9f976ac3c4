/**
 * Errors in the words of the older protocol (reference/prisma.md §2.3). Those of a query travel inside a 200. Of another
 * status the client would make a code and a retry of its own, unless the body says what the error is.
 */
import { isDriverAdapterError } from '@postern/prisma-mapping';
import { UserFacingError } from '@prisma/client-engine-runtime';
import { accelerateErrorReply } from '../accelerate/accelerate-error.ts';
import type { ErrorReply } from '../accelerate/responder.ts';
import { toUserFacingError } from '../accelerate/user-facing-error.ts';
import { BatchFailure, QueryRefusal, SchemaMissing, SchemaRefusal } from './refusal.ts';

interface EngineError {
  readonly error: string;
  readonly user_facing_error: {
    readonly is_panic: false;
    readonly message: string;
    /** Without one the client makes a PrismaClientUnknownRequestError of it. */
    readonly error_code?: string;
    readonly meta?: Readonly<Record<string, unknown>>;
    readonly batch_request_idx?: number;
  };
}

/** An error of a query itself. */
export function engineError(error: UserFacingError): EngineError {
  if (error instanceof BatchFailure) {
    const { error: message, user_facing_error } = engineError(error.cause);
    return { error: message, user_facing_error: { ...user_facing_error, batch_request_idx: error.index } };
  }
  const { message, code, meta } = error;
  if (error instanceof QueryRefusal && !error.hasCode) return withoutCode(message);
  if (code === unmappedCode) return withoutCode(unmappedMessage(error));
  return { error: message, user_facing_error: { is_panic: false, message, meta, error_code: code } };
}

/** What the runtime makes of errors of Postgres that Prisma has no code for; version 6 has not heard of it. */
const unmappedCode = 'P2039';

/** Postgres' own words, as version 6 shows them. */
function unmappedMessage({ message, meta: { driverAdapterError } }: UserFacingError): string {
  return isDriverAdapterError(driverAdapterError) ? driverAdapterError.message : message;
}

function withoutCode(message: string): EngineError {
  return { error: message, user_facing_error: { is_panic: false, message } };
}

/** Of the routes that run queries. */
export const queryErrorReply: ErrorReply = (thrown) => {
  const error = toUserFacingError(thrown);
  if (error instanceof UserFacingError) return { status: 200, headers: {}, body: { errors: [engineError(error)] } };
  const { headers, body, isDefect } = accelerateErrorReply(error);
  // The interpreter's own complaints have no code in-process either.
  return isDefect ? { status: 200, headers, body: { errors: [withoutCode(body.error)] } } : requestErrorReply(error);
};

/** Of the other routes, where the client looks at nothing but the status and such a body. */
export const requestErrorReply: ErrorReply = (error) => {
  const { status, headers, body } = accelerateErrorReply(error);
  if (error instanceof SchemaMissing) return notStarted(status, 'SchemaMissing');
  if (error instanceof SchemaRefusal) {
    return notStarted(status, { KnownEngineStartupError: { msg: body.error, error_code: error.schemaCode } });
  }
  return { status, headers, body: { is_panic: false, message: body.error, error_code: body.code } };
};

function notStarted(status: number, reason: unknown): ReturnType<ErrorReply> {
  return { status, headers: {}, body: { EngineNotStarted: { reason } } };
}
