/**
 * The seam to Prisma's query compiler: WebAssembly that turns a query and the schema it was generated from into a plan. Both
 * come from strangers, so each schema's compiler is in a thread of its own, which can be ended in the middle of anything.
 */

/** One query, or several in the form of a batch request. */
export type CompileKind = 'single' | 'batch';

export interface CompilerSubject {
  /** The text of schema.prisma. */
  readonly schema: string;
  /** Postgres' schema that generated SQL names; undefined: public. */
  readonly schemaName: string | undefined;
}

export type CompilerAnswer =
  | {
      readonly outcome: 'compiled';
      /** JSON of the plan, or of the plans of a batch. */
      readonly plan: string;
      /** What the compiler holds by now; it never gives anything back. */
      readonly memoryBytes: number;
    }
  /** The query does not fit the schema; code and meta are what Prisma's client makes its message of. */
  | {
      readonly outcome: 'query-refused';
      readonly message: string;
      readonly code?: string;
      readonly meta?: Readonly<Record<string, unknown>>;
      readonly memoryBytes: number;
    }
  | { readonly outcome: 'schema-refused'; readonly message: string; readonly code?: string }
  /** A panic, a stack that ran over, memory that ran out: no use any more. `reason` is for operators. */
  | { readonly outcome: 'broken'; readonly reason: string };

export interface CompilerThread {
  /** One at a time. Never rejects. */
  compile(kind: CompileKind, query: string): Promise<CompilerAnswer>;
  /** Whatever it does. Its memory is free then. Can be called twice. */
  end(): void;
}

/**
 * Longest plan, and all plans of a request together: they are parsed where everybody's requests are answered. Three times what
 * a newer client could send of it.
 */
export const maxPlanCharacters = 33_554_432;

export type StartCompiler = (subject: CompilerSubject) => CompilerThread;
