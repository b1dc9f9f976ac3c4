/** Transactions of several requests: the gateway holds the transaction and gives us a token for it. */
import { transactionEndHeader, transactionHeader, transactionTimeoutHeader } from '@postern/contract';
import { PosternError, usageError } from '../postern-error.ts';
import type { HTTPTransactionOptions } from './options.ts';
import type { NeonQueryFunctionInTransaction } from './query-function.ts';
import type { Headers, Send } from './request.ts';
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

type Read<Result> = (response: Response) => Promise<Result>;
export type Post = <Result>(
  body: unknown,
  headers: Headers,
  options: HTTPTransactionOptions,
  read: Read<Result>,
  onAnswer?: (response: Response) => void,
) => Promise<Result>;

export async function beginTransaction<Result>(
  post: Post,
  options: InteractiveOptions,
  work: (tx: TransactionFunction<boolean, boolean>) => Promise<Result> | Result,
): Promise<Result> {
  /** Each answer carries it until there is nothing to end any more. undefined: not begun; null: over. */
  let token: string | null | undefined;
  /** The last statement's error, as long as no later one succeeded (after ROLLBACK TO, say). */
  let failure: unknown;
  // Statements of one transaction go one after the other.
  let queue: Promise<unknown> = Promise.resolve();

  const hear = ({ headers }: Response): void => {
    token = headers.get(transactionHeader);
  };

  const sender =
    (end?: 'commit'): Send =>
    (query, headers, own, read) => {
      const answer = queue.then(() => sendInTurn(query, headers, own, read, end));
      queue = answer.then(
        () => {
          failure = undefined;
        },
        (error) => {
          failure = error;
        },
      );
      return answer;
    };

  async function sendInTurn<Answer>(
    query: unknown,
    headers: Headers,
    own: HTTPTransactionOptions,
    read: Read<Answer>,
    end?: 'commit' | 'rollback',
  ): Promise<Answer> {
    const open = token;
    if (open === null) throw usageError('the transaction is over');
    // Unless the answer says that there is something to end.
    if (end || !open) token = null;
    if (open) {
      const more = { [transactionHeader]: open, [transactionEndHeader]: end };
      return post(query, { ...headers, ...more }, own, read, hear);
    }
    const begin = batchHeaders(options);
    // On its own it is an ordinary batch.
    if (end) return post({ queries: [query] }, begin, own, read);
    const more = { [transactionHeader]: 'begin', [transactionTimeoutHeader]: options.timeoutMs };
    // Under a name that only Postern knows: another server would run, and commit, the statement alone.
    return post({ begin: query }, { ...headers, ...begin, ...more }, own, read, hear).catch((error: unknown) => {
      throw /could not parse .* body/.test(`${error}`)
        ? new PosternError('begin() needs a Postern gateway', { kind: 'usage', code: '0A000' })
        : error;
    });
  }

  async function finish(end: 'commit' | 'rollback', own: HTTPTransactionOptions): Promise<void> {
    await queue;
    if (token) await sendInTurn({ queries: [] }, {}, own, async () => {}, end);
  }

  try {
    const result = await work(
      Object.assign(createStatements(sender(), options), {
        commitWith: createStatements(sender('commit'), options),
      }),
    );
    await queue;
    if (failure) {
      throw new PosternError('rolled back, as a statement failed', {
        code: '25P02',
        sourceError: failure as Error,
      });
    }
    await finish('commit', options);
    return result;
  } catch (error) {
    // An aborted transaction is rolled back all the same. Whatever happens to this request: the gateway rolls back what
    // nobody continues.
    const fetchOptions = { ...options.fetchOptions, signal: undefined };
    await finish('rollback', { ...options, fetchOptions, signal: undefined }).catch(() => {});
    throw error;
  }
}
