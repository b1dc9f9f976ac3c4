/** Templates, texts and streams on their way: `sql` without what is about several statements. */
import { streamHeader } from '@postern/contract';
import { createError } from '../postern-error.ts';
import { parameterText } from '../values/parameter.ts';
import { type HTTPQueryOptions, type HTTPTransactionOptions, mergeOptions } from './options.ts';
import type { NeonQueryFunctionInTransaction, NeonQueryInTransaction } from './query-function.ts';
import { NeonQueryPromise } from './query-promise.ts';
import { type Headers, readBody, type Send } from './request.ts';
import { readResult } from './results.ts';
import { readStream } from './stream.ts';
import {
  fragmentHelpers,
  type ParameterizedQuery,
  parameterize,
  type QueryLike,
  queryDataOf,
  SqlTemplate,
} from './template.ts';

/** As the body of a request has it. */
export function prepareQuery({ queryData }: QueryLike): ParameterizedQuery {
  const { query, params } = parameterize(queryData);
  return { query, params: params.map(parameterText) };
}

/** What BEGIN says. */
export function batchHeaders({ isolationLevel, readOnly, deferrable }: HTTPTransactionOptions): Headers {
  return {
    'neon-batch-isolation-level': isolationLevel,
    'neon-batch-read-only': readOnly,
    'neon-batch-deferrable': deferrable,
  };
}

/** They go out through `send`. */
export function createStatements(
  send: Send,
  base: HTTPTransactionOptions,
  /** Hears when rows begin and cease to come. */
  onStream: (rows: AsyncGenerator | undefined) => void = () => {},
): NeonQueryFunctionInTransaction<boolean, boolean> {
  async function execute(queryData: QueryLike['queryData'], own: HTTPQueryOptions | undefined): Promise<never> {
    const options = mergeOptions(base, own);
    const response = await send(prepareQuery({ queryData }), {}, options);
    // The options decide what it is, and the types say so outside.
    return readResult(await readBody(response), response, options) as never;
  }
  function sql(strings: TemplateStringsArray, ...values: unknown[]): NeonQueryPromise<boolean, boolean, never> {
    if (Array.isArray(strings?.raw)) return new NeonQueryPromise(execute, new SqlTemplate(strings, values));
    throw createError('usage', 'sql is a tagged-template function: use sql.query()');
  }
  return Object.assign(sql, fragmentHelpers, {
    query: (query: string, params: readonly unknown[] = [], options?: HTTPQueryOptions) =>
      new NeonQueryPromise<never, never, never>(execute, { query, params: [...params] }, options),
    async *stream(first: TemplateStringsArray | NeonQueryInTransaction, ...values: unknown[]) {
      const query = queryDataOf(first)
        ? (first as NeonQueryInTransaction)
        : sql(first as TemplateStringsArray, ...values);
      const options = mergeOptions(base, query.opts);
      const response = await send(prepareQuery(query), { [streamHeader]: true }, options);
      const rows = readStream(response, options);
      try {
        onStream(rows);
        yield* rows;
      } finally {
        onStream(undefined);
      }
    },
  });
}
