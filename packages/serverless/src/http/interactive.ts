/** Transactions of several requests: the gateway holds the transaction and gives us a token for it. */
import { PosternError, usageError } from '../postern-error.ts';
import type { HTTPTransactionOptions } from './options.ts';
import type { NeonQueryFunctionInTransaction } from './query-function.ts';
import { batchHeaders, type Headers, type Sender } from './sender.ts';

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

type Post = (
  body: unknown,
  headers: Headers,
  options: HTTPTransactionOptions,
  onAnswer?: (response: Response) => void,
) => Promise<Response>;

/** `open` as long as the gateway says so: each answer carries the token until there is nothing to end any more. */
type State = { readonly name: 'new' | 'over' } | { readonly name: 'open'; readonly token: string };

export async function beginTransaction<Result>(
  post: Post,
  createStatements: (
    sender: Sender,
    options: HTTPTransactionOptions,
  ) => NeonQueryFunctionInTransaction<boolean, boolean>,
  options: InteractiveOptions,
  work: (tx: TransactionFunction<boolean, boolean>) => Promise<Result> | Result,
): Promise<Result> {
  let state: State = { name: 'new' };
  /** The last statement's error, as long as no later one succeeded (after ROLLBACK TO, say). */
  let failure: unknown;
  // Statements of one transaction go one after the other.
  let queue: Promise<unknown> = Promise.resolve();

  const sender = (isLast: boolean): Sender => ({
    async send(query, headers, own) {
      const turn = queue;
      let done: (error?: unknown) => void = () => {};
      queue = new Promise<void>((resolve) => {
        done = (error) => {
          failure = error;
          resolve();
        };
      });
      await turn;
      try {
        return { response: await sendInTurn(query, headers, own, isLast), done };
      } catch (error) {
        done(error);
        throw error;
      }
    },
  });

  function hear({ headers }: Response): void {
    const token = headers.get('postern-transaction');
    state = token === null ? { name: 'over' } : { name: 'open', token };
  }

  async function sendInTurn(
    query: unknown,
    headers: Headers,
    own: HTTPTransactionOptions,
    isLast: boolean,
  ): Promise<Response> {
    if (state.name === 'over') throw usageError('the transaction is over');
    if (state.name === 'open') {
      const more = { 'Postern-Transaction': state.token, 'Postern-Transaction-End': isLast ? 'commit' : undefined };
      return post(query, { ...headers, ...more }, own, hear);
    }
    state = { name: 'over' };
    // On its own it is an ordinary batch.
    if (isLast) return post({ queries: [query] }, batchHeaders(options), own);
    const begin = {
      'Postern-Transaction': 'begin',
      'Postern-Transaction-Timeout': options.timeoutMs?.toString(),
      ...batchHeaders(options),
      ...headers,
    };
    // Under a name that only Postern knows: another server would run, and commit, the statement alone.
    return post({ begin: query }, begin, own, hear).catch((error: unknown) => {
      throw /could not parse .* body/.test(String(error)) ? unsupported() : error;
    });
  }

  async function end(how: 'commit' | 'rollback'): Promise<void> {
    await queue;
    if (state.name !== 'open') return;
    const headers = { 'Postern-Transaction': state.token, 'Postern-Transaction-End': how };
    state = { name: 'over' };
    // An aborted transaction is rolled back all the same.
    const { signal, fetchOptions, ...own } = options;
    const { signal: _, ...init } = fetchOptions ?? {};
    await post({ queries: [] }, headers, how === 'commit' ? options : { ...own, fetchOptions: init });
  }

  const tx = Object.assign(createStatements(sender(false), options), {
    commitWith: createStatements(sender(true), options),
  });
  try {
    const result = await work(tx);
    await queue;
    if (failure !== undefined) {
      throw new PosternError('a statement failed: the transaction was rolled back', {
        code: '25P02',
        sourceError: failure as Error,
      });
    }
    await end('commit');
    return result;
  } catch (error) {
    // Whatever happens to this request: the gateway rolls back what nobody continues.
    await end('rollback').catch(() => {});
    throw error;
  }
}

function unsupported(): PosternError {
  return new PosternError('interactive transactions need a Postern gateway', {
    kind: 'usage',
    code: '0A000',
  });
}
