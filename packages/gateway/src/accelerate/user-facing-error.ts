/**
 * Errors of Postgres at COMMIT, in the words that Prisma's runtime has for those of statements: it leaves these as they are,
 * without a code, which is how they reach a program in-process.
 */
import { isDriverAdapterError, type MappedError } from '@postern/prisma-mapping';
import { UserFacingError } from '@prisma/client-engine-runtime';

/** Anything but a DriverAdapterError as it is. */
export function toUserFacingError(error: unknown): unknown {
  if (!isDriverAdapterError(error)) return error;
  const { cause } = error;
  const [code, message] = wordsFor(cause) ?? [
    'P2039',
    `Database error. Code: \`${cause.originalCode ?? 'N/A'}\`. Message: \`${error.message}\``,
  ];
  const table = cause.kind === 'UniqueConstraintViolation' ? cause.table : undefined;
  return new UserFacingError(message, code, { driverAdapterError: error, ...(table === undefined ? {} : { table }) });
}

/** For what may happen at COMMIT and has a code of its own. */
function wordsFor(cause: MappedError): [code: string, message: string] | undefined {
  switch (cause.kind) {
    case 'TransactionWriteConflict':
      return ['P2034', 'Transaction failed due to a write conflict or a deadlock. Please retry your transaction'];
    case 'UniqueConstraintViolation':
      return ['P2002', `Unique constraint failed on the ${constraintName(cause.constraint)}`];
    case 'ForeignKeyConstraintViolation':
    case 'RestrictViolation':
      return ['P2003', `Foreign key constraint violated on the ${constraintName(cause.constraint)}`];
    case 'ConnectionClosed':
      return ['P1017', 'Server has closed the connection.'];
    default:
      return undefined;
  }
}

function constraintName(constraint: Extract<MappedError, { kind: 'UniqueConstraintViolation' }>['constraint']): string {
  if (constraint === undefined) return '(not available)';
  if ('index' in constraint) return `constraint: \`${constraint.index}\``;
  return `fields: (${constraint.fields.map((field) => `\`${field}\``).join(', ')})`;
}
