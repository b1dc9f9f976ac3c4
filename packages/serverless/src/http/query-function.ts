/** `sql`: the tagged template and everything that hangs on it. */
import { usageError } from '../postern-error.ts';
import { parameterText } from '../values/parameter.ts';
import { beginTransaction, type InteractiveOptions, type TransactionFunction } from './interactive.ts';
import { type HTTPQueryOptions, type HTTPTransactionOptions, mergeOptions } from './options.ts';
import { NeonQueryPromise } from './query-promise.ts';
import { post } from './request.ts';
import { type AnyRow, type FullQueryResults, type QueryRows, readBody, readResult, unexpected } from './results.ts';
import { batchHeaders, type Sender } from './sender.ts';
import { type StreamFunction, streamRows } from './stream.ts';
import { type FragmentHelpers, fragmentHelpers, type ParameterizedQuery, SqlTemplate } from './template.ts';

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

const notAnArray = 'transaction() expects an array of queries, or a function returning an array of queries';

export function prepareQuery(data: SqlTemplate | ParameterizedQuery): ParameterizedQuery {
  const { query, params } =
    'strings' in data ? new SqlTemplate(data.strings, data.values).toParameterizedQuery() : data;
  return { query, params: params.map(parameterText) };
}

/** Templates, texts and streams that go out through `sender`. */
export function createStatements(
  sender: Sender,
  base: HTTPTransactionOptions,
): NeonQueryFunctionInTransaction<boolean, boolean> {
  async function execute(data: SqlTemplate | ParameterizedQuery, own: HTTPQueryOptions | undefined): Promise<never> {
    const options = mergeOptions(base, own);
    const { response, done } = await sender.send(prepareQuery(data), {}, options);
    try {
      const body = await readBody(response);
      // A transaction of one statement was sent as a batch.
      const result = readResult((body.results as unknown[] | undefined)?.[0] ?? body, response, options);
      done();
      return result as never; // the options decide, and the types say so outside
    } catch (error) {
      done(error);
      throw error;
    }
  }
  const stream = (
    first: TemplateStringsArray | NeonQueryInTransaction,
    ...values: unknown[]
  ): AsyncGenerator<never> => {
    const { queryData, opts } = 'queryData' in first ? first : { queryData: template(first, values), opts: undefined };
    const options = mergeOptions(base, opts);
    return streamRows((signal) => {
      // Not before somebody wants a row.
      return sender.send(prepareQuery(queryData), { 'Postern-Stream': 'true' }, { ...options, signal });
    }, options);
  };
  const sql = (strings: TemplateStringsArray, ...values: unknown[]): NeonQueryPromise<boolean, boolean, never> =>
    new NeonQueryPromise(execute, template(strings, values));
  return Object.assign(sql, fragmentHelpers, {
    query: (query: string, params: readonly unknown[] = [], options?: HTTPQueryOptions) =>
      new NeonQueryPromise<never, never, never>(execute, { query, params: [...params] }, options),
    stream,
  });
}

function template(strings: TemplateStringsArray, values: readonly unknown[]): SqlTemplate {
  if (Array.isArray(strings) && Array.isArray(strings.raw)) return new SqlTemplate(strings, values);
  throw usageError(
    'This function can be called only as a tagged-template function, sql`…`; for a text with $1, $2, … use sql.query(text, params)',
  );
}

/**
 * A query function for the database of a connection string. Connects to nothing; what is wrong with the string shows when
 * the first query is awaited. `options` hold for all its queries.
 */
export function postern<ArrayMode extends boolean = false, FullResults extends boolean = false>(
  connectionString: string | HTTPTransactionOptions<ArrayMode, FullResults>,
  options?: HTTPTransactionOptions<ArrayMode, FullResults>,
): NeonQueryFunction<ArrayMode, FullResults> {
  const text = typeof connectionString === 'object' ? undefined : connectionString;
  const base: HTTPTransactionOptions = (typeof connectionString === 'object' ? connectionString : options) ?? {};
  const sender: Sender = {
    send: async (body, headers, own) => ({ response: await post(text, body, headers, own), done() {} }),
  };
  const sql = createStatements(sender, base);

  async function transaction(given: unknown, own?: HTTPTransactionOptions): Promise<unknown[]> {
    const queries: unknown = typeof given === 'function' ? given(sql) : given;
    if (!Array.isArray(queries) || !queries.every((query) => Object(query).queryData)) throw usageError(notAnArray);
    const list = queries as NeonQueryInTransaction[];
    // One request: what a single query says about it counts, the last word if several do.
    const merged = mergeOptions(base, own, ...list.map(({ opts }) => opts));
    const body = { queries: list.map(({ queryData }) => prepareQuery(queryData)) };
    const response = await post(text, body, batchHeaders(merged), merged);
    const { results } = await readBody(response);
    if (!Array.isArray(results) || results.length !== list.length) unexpected(response);
    return results.map((result, index) => readResult(result, response, mergeOptions(base, own, list[index]?.opts)));
  }

  return Object.assign(sql, {
    transaction,
    begin: <Result>(
      work: (tx: TransactionFunction<boolean, boolean>) => Promise<Result> | Result,
      own?: InteractiveOptions,
    ) =>
      beginTransaction(
        (body, headers, inner, onAnswer) => post(text, body, headers, inner, onAnswer),
        createStatements,
        mergeOptions(base, own),
        work,
      ),
  }) as unknown as NeonQueryFunction<ArrayMode, FullResults>; // ArrayMode and FullResults are what `base` says
}
