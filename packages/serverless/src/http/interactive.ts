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

type State =
  | { readonly name: 'new' }
  | { readonly name: 'open'; readonly token: string }
  | { readonly name: 'committed' }
  | { readonly name: 'over' };

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

  async function sendInTurn(
    query: unknown,
    headers: Headers,
    own: HTTPTransactionOptions,
    isLast: boolean,
  ): Promise<Response> {
    if (state.name === 'new') {
      // On its own it is an ordinary batch.
      if (isLast) {
        state = { name: 'over' };
        const response = await post({ queries: [query] }, batchHeaders(options), own);
        state = { name: 'committed' };
        return response;
      }
      const begin = { ...headers, ...batchHeaders(options), 'Postern-Transaction': 'begin', ...timeout() };
      state = { name: 'over' };
      // Also when its first statement fails there is a transaction to be ended.
      const response = await post(query, begin, own, hear);
      if (!response.headers.has('postern-version')) throw unsupported();
      return response;
    }
    if (state.name !== 'open')
      throw usageError('the transaction is over: its statements must be awaited within begin()');
    const { token } = state;
    if (isLast) state = { name: 'over' };
    const response = await post(
      query,
      { ...headers, 'Postern-Transaction': token, 'Postern-Transaction-End': isLast ? 'commit' : undefined },
      own,
      hear,
    );
    if (isLast) state = { name: 'committed' };
    return response;
  }

  /** Every answer says whether there still is a transaction. */
  function hear({ headers }: Response): void {
    const token = headers.get('postern-transaction');
    state = token === null ? { name: 'over' } : { name: 'open', token };
  }

  function timeout(): Headers {
    return { 'Postern-Transaction-Timeout': options.timeoutMs?.toString() };
  }

  async function end(how: 'commit' | 'rollback'): Promise<void> {
    await queue;
    if (state.name !== 'open') return;
    const { token } = state;
    state = { name: 'over' };
    const { signal: _, ...own } = options; // an aborted transaction is rolled back all the same
    const headers = { 'Postern-Transaction': token, 'Postern-Transaction-End': how };
    const response = await post({ queries: [] }, headers, how === 'commit' ? options : own);
    await response.text();
    if (how === 'commit') state = { name: 'committed' };
  }

  const tx = Object.assign(createStatements(sender(false), options), {
    commitWith: createStatements(sender(true), options),
  });
  try {
    const result = await work(tx);
    await queue;
    if (failure !== undefined) {
      throw new PosternError('the transaction was rolled back: a statement in it failed', {
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
  return new PosternError('interactive transactions need a Postern gateway: this server does not know them', {
    kind: 'usage',
    code: '0A000',
  });
}
