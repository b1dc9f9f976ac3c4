// The driver's errors → Prisma's, the same over HTTP and WebSocket.

import {
  connectionCause,
  DriverAdapterError,
  databaseCause,
  type ErrorCause,
  httpStatusCause,
  isDriverAdapterError,
  type PrismaRuntimeLevel,
} from '@postern/prisma-mapping';
import { PosternError } from '@postern/serverless';

export interface ErrorContext {
  readonly runtime: PrismaRuntimeLevel;
  readonly host: string;
  readonly port: number | undefined;
}

/** What Prisma is to get for a failure: a DriverAdapterError, or the failure itself where the program is to blame. */
export function toDriverAdapterError(failure: unknown, context: ErrorContext): unknown {
  if (isDriverAdapterError(failure) || !(failure instanceof PosternError)) return failure;
  const cause = causeOf(failure, context);
  return cause === undefined ? failure : new DriverAdapterError(cause);
}

function causeOf(error: PosternError, context: ErrorContext): ErrorCause | undefined {
  const { kind, code, message, status } = error;
  switch (kind) {
    case 'database':
      return code === undefined
        ? undefined
        : (gatewayCause(error) ?? databaseCause({ ...error, code, message }, context));
    case 'connection':
      // Of the driver's own pool: nothing was sent.
      if (code === '53300') return databaseCause({ code, message }, context);
      if (code === '57014') return { kind: 'SocketTimeout', originalCode: code, originalMessage: message };
      return {
        ...connectionCause(error.sourceError ?? error, {
          phase: code === '08001' ? 'connecting' : 'running',
          host: context.host,
          port: context.port,
        }),
        originalMessage: message,
      };
    case 'protocol':
      if (status !== undefined && status !== 200) return httpStatusCause(status, context);
      return { kind: 'ConnectionClosed', originalMessage: message };
    case 'usage':
      return undefined;
  }
}

/** Transactions over HTTP that are over, which Postgres has no words for. */
function gatewayCause({ code, message, file, routine }: PosternError): ErrorCause | undefined {
  if (file || routine || (code !== '25P01' && code !== '25P04')) return undefined;
  return { kind: 'TransactionAlreadyClosed', cause: message, originalCode: code, originalMessage: message };
}
