/** What this protocol refuses beside what the newer one does too. */
import { UserFacingError } from '@prisma/client-engine-runtime';
import { AccelerateError } from '../accelerate/accelerate-error.ts';

/** A query that does not fit its schema, in the compiler's words. */
export class QueryRefusal extends UserFacingError {
  override name = 'QueryRefusal';
  /** The compiler has a code (`P2009` and the like) for some of its refusals. */
  readonly hasCode: boolean;

  constructor(message: string, code: string | undefined, meta: Readonly<Record<string, unknown>> = {}) {
    super(message, code ?? 'P6000', meta);
    this.hasCode = code !== undefined;
  }
}

/** A schema that the compiler cannot use, now and later. */
export class SchemaRefusal extends AccelerateError {
  readonly schemaCode: string;

  constructor(message: string, schemaCode = 'P1012') {
    super('P6000', message, { status: 400 });
    this.schemaCode = schemaCode;
  }
}

/** A schema that is not here, or not any more: the client uploads it and asks again. */
export class SchemaMissing extends AccelerateError {
  constructor() {
    super('P5005', 'This schema was not uploaded, or is forgotten.');
  }
}

/** One of several queries that belong together failed, and with it all of them. */
export class BatchFailure extends UserFacingError {
  override name = 'BatchFailure';
  override readonly cause: UserFacingError;
  /** Which one. */
  readonly index: number;

  constructor(index: number, cause: UserFacingError) {
    super(cause.message, cause.code, cause.meta);
    this.cause = cause;
    this.index = index;
  }
}
