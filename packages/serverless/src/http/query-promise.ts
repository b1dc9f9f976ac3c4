/** A query that can be awaited, put into another one, or given to `transaction`. */
import type { HTTPQueryOptions } from './options.ts';
import type { ParameterizedQuery, SqlTemplate } from './template.ts';

export type Execute<Result> = (
  queryData: SqlTemplate | ParameterizedQuery,
  opts: HTTPQueryOptions | undefined,
) => Promise<Result>;

/** As in every Promise. */
type Reason = Parameters<NonNullable<Parameters<Promise<unknown>['catch']>[0]>>[0];

/**
 * Sent when first awaited, and only once, however often that happens. `ArrayMode` and `FullResults` are there for the types.
 */
export class NeonQueryPromise<
  ArrayMode extends boolean = boolean,
  FullResults extends boolean = boolean,
  Result = unknown,
> implements Promise<Result>
{
  declare readonly modes?: [ArrayMode, FullResults];
  declare readonly execute: Execute<Result>;
  declare readonly queryData: SqlTemplate | ParameterizedQuery;
  declare readonly opts: HTTPQueryOptions | undefined;
  #result: Promise<Result> | undefined;

  constructor(execute: Execute<Result>, queryData: SqlTemplate | ParameterizedQuery, opts?: HTTPQueryOptions) {
    Object.assign(this, { execute, queryData, opts });
  }

  get [Symbol.toStringTag](): string {
    return 'NeonQueryPromise';
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaited is its purpose
  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?: ((value: Result) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.#result ??= this.execute(this.queryData, this.opts);
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: Reason) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.then(null, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.then().finally(onFinally);
  }
}
