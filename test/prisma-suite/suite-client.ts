/** What the operations use of a generated client, whatever its version and whatever it runs on. */

export type Action =
  | 'aggregate'
  | 'count'
  | 'create'
  | 'createMany'
  | 'createManyAndReturn'
  | 'delete'
  | 'deleteMany'
  | 'findFirst'
  | 'findFirstOrThrow'
  | 'findMany'
  | 'findUnique'
  | 'findUniqueOrThrow'
  | 'groupBy'
  | 'update'
  | 'updateMany'
  | 'updateManyAndReturn'
  | 'upsert';

/** Results are compared, not understood; who needs one says of what shape. */
export type Run = <Result = unknown>(args?: object) => Promise<Result>;

export type Model = Readonly<Record<Action, Run>>;

interface Raw {
  $queryRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<unknown>;
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown>;
  $executeRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<unknown>;
  $executeRawUnsafe(text: string, ...values: unknown[]): Promise<unknown>;
}

export interface TransactionClient extends Raw {
  readonly user: Model;
  readonly profile: Model;
  readonly post: Model;
  readonly category: Model;
  readonly team: Model;
  readonly membership: Model;
  readonly badge: Model;
  readonly everything: Model;
  /** From 7.5 on: a savepoint. */
  $transaction?<Result>(work: (tx: TransactionClient) => Promise<Result>): Promise<Result>;
}

export interface TransactionOptions {
  readonly maxWait?: number;
  readonly timeout?: number;
  readonly isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable';
}

export interface SuiteClient extends Omit<TransactionClient, '$transaction'> {
  $transaction(steps: readonly Promise<unknown>[], options?: TransactionOptions): Promise<unknown>;
  $transaction<Result>(work: (tx: TransactionClient) => Promise<Result>, options?: TransactionOptions): Promise<Result>;
  $connect(): Promise<void>;
  $disconnect(): Promise<void>;
  $on(event: string, listener: (event: Readonly<Record<string, unknown>>) => void): unknown;
  $extends(extension: unknown): unknown;
}

/** A version of Prisma, generated and ready. */
export interface PrismaVersion {
  readonly version: string;
  /** The generated client, for programs of their own. */
  readonly folder: string;
  /** On the official adapter, straight to Postgres. */
  openDirect(databaseUrl: string, options?: ClientOptions): SuiteClient;
  /** On any driver adapter. */
  openAdapter(adapter: unknown, options?: ClientOptions): SuiteClient;
  /** On an Accelerate URL. */
  openAccelerate(url: string, options?: ClientOptions): SuiteClient;
  /** The official extension. */
  withAccelerate(options?: { readonly fetch?: unknown }): unknown;
}

export interface ClientOptions {
  /** Postgres schema; default public. Ignored on an Accelerate URL, whose key says. */
  readonly schema?: string;
  /** Emits query events. */
  readonly logsQueries?: boolean;
}
