// Errors of Postgres → Prisma's kinds: the table of @prisma/adapter-pg 7.10 (reference/prisma.md §1.4), and the ones of
// the gateway's own, which arrive with SQLSTATEs of Postgres but without its source file.

import type { ErrorCause, MappedError } from './error-cause.ts';

/** The fields of an ErrorResponse that matter here; DatabaseError of wire, node-postgres' and Neon's errors have them. */
export interface PostgresErrorFields {
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly severity?: string | undefined;
  readonly detail?: string | null | undefined;
  readonly hint?: string | null | undefined;
  readonly column?: string | null | undefined;
  readonly table?: string | null | undefined;
  readonly constraint?: string | null | undefined;
  /** Set in everything that Postgres itself raises. */
  readonly file?: string | null | undefined;
  readonly routine?: string | null | undefined;
}

/**
 * The oldest Prisma runtime that has to understand the cause: it throws up at kinds it does not know.
 * 7.2 brought InvalidInputValue; 7.10 RestrictViolation, and unique constraints by name instead of by field.
 */
export type PrismaRuntimeLevel = '6.16' | '7.2' | '7.10';

export interface DatabaseCauseOptions {
  /** Default `7.10`. */
  readonly runtime?: PrismaRuntimeLevel | undefined;
}

/** What Prisma is to be told about an error of Postgres or of the gateway. */
export function databaseCause(error: PostgresErrorFields, options: DatabaseCauseOptions = {}): ErrorCause {
  const mapped = isFromGateway(error) ? gatewayError(error) : undefined;
  return {
    originalCode: error.code,
    originalMessage: error.message,
    ...(mapped ?? postgresError(error, options.runtime ?? '7.10')),
  };
}

/** Postgres names the line of its source in every error; the gateway has none to name. */
function isFromGateway({ file, routine }: PostgresErrorFields): boolean {
  return !file && !routine;
}

function gatewayError({ code, message }: PostgresErrorFields): MappedError | undefined {
  switch (code) {
    case '08001':
    case '57P03':
      return { kind: 'DatabaseNotReachable' };
    case '08006':
    case '57P01':
    case '57P05':
      return { kind: 'ConnectionClosed' };
    case '53300':
      return { kind: 'TooManyConnections', cause: message };
    default:
      return undefined;
  }
}

function postgresError(error: PostgresErrorFields, runtime: PrismaRuntimeLevel): MappedError {
  const { code, message } = error;
  switch (code) {
    case '22001':
      return { kind: 'LengthMismatch', column: error.column ?? undefined };
    case '22003':
      return { kind: 'ValueOutOfRange', cause: message };
    case '22P02':
      return runtime === '6.16' ? otherError(error) : { kind: 'InvalidInputValue', message };
    case '23505':
      return uniqueViolation(error, runtime);
    case '23502': {
      const fields = keyFields(error);
      return { kind: 'NullConstraintViolation', constraint: fields && { fields } };
    }
    case '23503':
      return { kind: 'ForeignKeyConstraintViolation', constraint: columnOrConstraint(error) };
    case '23001':
      return {
        kind: runtime === '7.10' ? 'RestrictViolation' : 'ForeignKeyConstraintViolation',
        constraint: columnOrConstraint(error),
      };
    case '3D000':
      return { kind: 'DatabaseDoesNotExist', db: quoted(message) };
    case '28000':
      return { kind: 'DatabaseAccessDenied', db: /database "([^"]*)"/.exec(message)?.[1] };
    case '28P01':
      return { kind: 'AuthenticationFailed', user: /user "([^"]*)"/.exec(message)?.[1] };
    case '40001':
    case '40P01':
      return { kind: 'TransactionWriteConflict' };
    case '42P01':
      return { kind: 'TableDoesNotExist', table: quoted(message) };
    case '42703':
      return { kind: 'ColumnNotFound', column: missingColumn(message, runtime) };
    case '42P04':
      return { kind: 'DatabaseAlreadyExists', db: quoted(message) };
    case '53300':
      return { kind: 'TooManyConnections', cause: message };
    default:
      return otherError(error);
  }
}

function otherError({ code, severity, message, detail, column, hint }: PostgresErrorFields): MappedError {
  return {
    kind: 'postgres',
    code,
    severity: severity ?? 'N/A',
    message,
    detail: detail ?? undefined,
    column: column ?? undefined,
    hint: hint ?? undefined,
  };
}

function uniqueViolation(error: PostgresErrorFields, runtime: PrismaRuntimeLevel): MappedError {
  const fields = keyFields(error);
  if (runtime !== '7.10') return { kind: 'UniqueConstraintViolation', constraint: fields && { fields } };
  const constraint = error.constraint ? { index: error.constraint } : fields && { fields };
  return { kind: 'UniqueConstraintViolation', constraint, table: error.table ?? undefined };
}

/** `Key (a, b)=(1, 2) already exists.` → a, b */
function keyFields({ detail }: PostgresErrorFields): string[] | undefined {
  return /Key \(([^)]+)\)/.exec(detail ?? '')?.[1]?.split(', ');
}

function columnOrConstraint({
  column,
  constraint,
}: PostgresErrorFields): { fields: string[] } | { index: string } | undefined {
  if (column) return { fields: [column] };
  return constraint ? { index: constraint } : undefined;
}

/** The name in the second word: `relation "User" does not exist`, `database "x" already exists`. */
function quoted(message: string): string | undefined {
  return message.split(' ').at(1)?.split('"').at(1);
}

/** `column User.name does not exist` → User.name; with quotes and the doubling of quotes undone. */
function missingColumn(message: string, runtime: PrismaRuntimeLevel): string | undefined {
  // As long as Prisma 6 is compared with its own adapter: that one finds no name without quotes.
  if (runtime === '6.16') return message.split(' ').at(1)?.split('"').at(1);
  const column = /^column (.+) does not exist$/.exec(message)?.[1];
  return column?.replace(/"((?:""|[^"])*)"/g, (_, name: string) => name.replaceAll('""', '"'));
}
