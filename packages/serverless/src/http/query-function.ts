/** `sql`: the tagged template and everything that hangs on it. */
import { createError } from '../postern-error.ts';
import { beginTransaction, type InteractiveOptions, type TransactionFunction } from './interactive.ts';
import { type HTTPQueryOptions, type HTTPTransactionOptions, mergeOptions } from './options.ts';
import type { NeonQueryPromise } from './query-promise.ts';
import { answerError, post, readBody } from './request.ts';
import { type AnyRow, type FullQueryResults, type QueryRows, readResult } from './results.ts';
import { batchHeaders, createStatements, prepareQuery } from './statements.ts';
import type { StreamFunction } from './stream.ts';
import { type FragmentHelpers, type ParameterizedQuery, queryDataOf, type SqlTemplate } from './template.ts';

/** What a query resolves to. */
export type QueryResults<ArrayMode extends boolean, FullResults extends boolean, Row> = FullResults extends true
  ? FullQueryResults<ArrayMode, Row>
  : QueryRows<ArrayMode, Row>;

type Query<ArrayMode extends boolean, FullResults extends boolean, Row> = NeonQueryPromise<
  ArrayMode,
  FullResults,
  QueryResults<ArrayMode, FullResults, Row>
>;

/** A query, from this or another copy of the package. */
export interface NeonQueryInTransaction {
  readonly queryData: SqlTemplate | ParameterizedQuery;
  readonly opts?: HTTPQueryOptions | undefined;
}

type Queries = readonly NeonQueryInTransaction[];

/** What can be done with one statement; also within a transaction. */
export interface NeonQueryFunctionInTransaction<ArrayMode extends boolean, FullResults extends boolean>
  extends FragmentHelpers {
  /** `` sql`SELECT ${1}` ``: interpolated values are parameters, queries and fragments become part of the text. */
  <Row = AnyRow<ArrayMode>>(
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Query<ArrayMode, FullResults, Row>;
  /** With `$1`, `$2`, … in the text. */
  query<A extends boolean = ArrayMode, F extends boolean = FullResults>(
    text: string,
    params?: readonly unknown[],
    options?: HTTPQueryOptions<A, F>,
  ): Query<A, F, AnyRow<A>>;
  query<Row, F extends boolean = FullResults>(
    text: string,
    params?: readonly unknown[],
    options?: HTTPQueryOptions<boolean, F>,
  ): Query<ArrayMode, F, Row>;
  /** Rows as they come: `` for await (const row of sql.stream`…`) ``. Leaving the loop cancels the query. */
  readonly stream: StreamFunction<ArrayMode>;
}

/** The results of these queries, in order. */
type ResultsOf<Queries extends readonly unknown[]> = {
  -readonly [Index in keyof Queries]: Queries[Index] extends PromiseLike<infer Result> ? Result : unknown;
};

export interface NeonQueryFunction<ArrayMode extends boolean, FullResults extends boolean>
  extends NeonQueryFunctionInTransaction<ArrayMode, FullResults> {
  /** All in one request and one transaction: all of them happen, or none. */
  transaction<const Queries extends readonly NeonQueryInTransaction[]>(
    queries: Queries | ((sql: NeonQueryFunctionInTransaction<ArrayMode, FullResults>) => Queries),
  ): Promise<ResultsOf<Queries>>;
  transaction<A extends boolean = ArrayMode, F extends boolean = FullResults>(
    queries:
      | readonly NeonQueryInTransaction[]
      | ((sql: NeonQueryFunctionInTransaction<A, F>) => readonly NeonQueryInTransaction[]),
    options?: HTTPTransactionOptions<A, F>,
  ): Promise<QueryResults<A, F, AnyRow<A>>[]>;
  /**
   * A transaction in which later statements may depend on earlier results. BEGIN travels with the first statement, COMMIT
   * with the one given to `tx.commitWith`, else alone when `work` is done; when it throws, everything is rolled back.
   */
  begin<Result>(
    work: (tx: TransactionFunction<ArrayMode, FullResults>) => Promise<Result> | Result,
    options?: InteractiveOptions,
  ): Promise<Result>;
}

/**
 * A query function for the database of a connection string. Connects to nothing; what is wrong with the string shows when
 * the first query is awaited. `options` hold for all its queries.
 */
export function postern<ArrayMode extends boolean = false, FullResults extends boolean = false>(
  connectionString: string | HTTPTransactionOptions<ArrayMode, FullResults>,
  options?: HTTPTransactionOptions<ArrayMode, FullResults>,
): NeonQueryFunction<ArrayMode, FullResults> {
  const base: HTTPTransactionOptions =
    typeof connectionString === 'object' ? connectionString : { connectionString, ...options };
  const sql = createStatements(post, base);

  async function transaction(
    given: Queries | ((tx: NeonQueryFunctionInTransaction<boolean, boolean>) => Queries),
    own?: HTTPTransactionOptions,
  ): Promise<unknown[]> {
    const queries = typeof given === 'function' ? given(sql) : given;
    if (!queries?.every?.(queryDataOf)) {
      throw createError(
        'usage',
        'transaction() expects an array of queries, or a function returning an array of queries',
      );
    }
    // One request: what a single query says about it counts, the last word if several do.
    const merged = mergeOptions(base, own, ...queries.map(({ opts }) => opts));
    const response = await post({ queries: queries.map(prepareQuery) }, batchHeaders(merged), merged);
    const { results } = await readBody(response);
    if (!Array.isArray(results) || results.length !== queries.length) throw answerError(response);
    return results.map((result, index) => readResult(result, response, mergeOptions(base, own, queries[index]!.opts)));
  }

  return Object.assign(sql, {
    transaction,
    begin: <Result>(
      work: (tx: TransactionFunction<boolean, boolean>) => Promise<Result> | Result,
      own?: InteractiveOptions,
    ) => beginTransaction(mergeOptions(base, own), work),
  }) as unknown as NeonQueryFunction<ArrayMode, FullResults>; // ArrayMode and FullResults are what `base` says
}
