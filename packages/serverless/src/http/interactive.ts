/** Transactions of several requests: the gateway holds the transaction and gives us a token for it. */
import { transactionEndHeader, transactionHeader, transactionTimeoutHeader } from '@postern/contract';
import { createError } from '../postern-error.ts';
import type { HTTPTransactionOptions } from './options.ts';
import type { NeonQueryFunctionInTransaction } from './query-function.ts';
import { post, type Send } from './request.ts';
import { batchHeaders, createStatements } from './statements.ts';

export interface InteractiveOptions extends HTTPTransactionOptions {
  /** After how many milliseconds the gateway rolls back by itself; it has its own upper limit. */
  timeoutMs?: number | undefined;
}

/** `sql` within `sql.begin`. */
export interface TransactionFunction<ArrayMode extends boolean, FullResults extends boolean>
  extends NeonQueryFunctionInTransaction<ArrayMode, FullResults> {
  /** The last statement: COMMIT travels with it. When it fails, everything is rolled back. */
  readonly commitWith: NeonQueryFunctionInTransaction<ArrayMode, FullResults>;
}

export async function beginTransaction<Result>(
  options: InteractiveOptions,
  work: (tx: TransactionFunction<boolean, boolean>) => Promise<Result> | Result,
): Promise<Result> {
  /** Each answer carries it until there is nothing to end any more. undefined: not begun, null: over. */
  let token: string | null | undefined;
  /** Statements of one transaction go one after the other. */
  let queue: Promise<unknown> = Promise.resolve();
  /** The last one's error, if it failed: a later one may succeed (after ROLLBACK TO, say). */
  let failed: unknown;
  /** Rows that still come. */
  let stream: AsyncGenerator | undefined;

  const sender =
    (end?: 'commit' | 'rollback'): Send =>
    (query, headers, own) => {
      const answer = queue.then(() => {
        if (token === null) throw createError('usage', 'the transaction is over');
        // Its answer would wait for the rows, whose reader waits for it.
        if (stream) throw createError('usage', 'a stream is open');
        failed = undefined;
        const isFirst = !token;
        const all = {
          ...headers,
          ...(isFirst && { ...batchHeaders(options), [transactionTimeoutHeader]: options.timeoutMs }),
          [transactionHeader]: token ?? 'begin',
          [transactionEndHeader]: end,
        };
        // Unless the answer says that there is something to end.
        if (end || isFirst) token = null;
        // Under a name that only Postern knows: another server would run, and commit, the statement alone.
        return post(isFirst ? { begin: query } : query, all, own, (response) => {
          token = response.headers.get(transactionHeader);
        }).catch((error: unknown) => {
          failed = /could not parse .* body/.test(`${error}`)
            ? createError('usage', 'begin() needs Postern', '0A000')
            : error;
          throw failed;
        });
      });
      queue = answer.catch(() => {});
      return answer;
    };
  const onStream = (rows: AsyncGenerator | undefined): void => {
    stream = rows;
  };

  async function finish(end: 'commit' | 'rollback', own: HTTPTransactionOptions): Promise<void> {
    await queue;
    // One that nobody reads to its end.
    await stream?.return(undefined);
    stream = undefined;
    if (token) await sender(end)({ queries: [] }, {}, own);
    else token = null; // nothing was begun, and nothing shall be by statements that come too late
  }

  try {
    const result = await work(
      Object.assign(createStatements(sender(), options, onStream), {
        commitWith: createStatements(sender('commit'), options, onStream),
      }),
    );
    await queue;
    if (failed) {
      throw createError('database', 'a statement failed: rolled back', '25P02', { sourceError: failed as Error });
    }
    await finish('commit', options);
    return result;
  } catch (error) {
    // An aborted transaction is rolled back all the same. Whatever happens to this request: the gateway rolls back what
    // nobody continues.
    await finish('rollback', { ...options, signal: undefined }).catch(() => {});
    throw error;
  }
}
