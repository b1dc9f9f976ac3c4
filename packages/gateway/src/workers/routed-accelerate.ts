/** The Accelerate-compatible routes among several workers: what concerns a transaction is answered by the worker that has it. */
import { accelerateErrorReply } from '../accelerate/accelerate-error.ts';
import type { AccelerateHandler } from '../accelerate/accelerate-handler.ts';
import type { HasKey } from '../accelerate/create-accelerate.ts';
import { readBytes } from '../accelerate/request-body.ts';
import type { Transactions } from '../accelerate/transactions.ts';
import { forwardFetch } from './forward-fetch.ts';
import type { ForwardRequest } from './forward-request.ts';
import { markTransactionId, ownerElsewhere, readTransactionId } from './worker-tokens.ts';

export interface RoutedAccelerateOptions {
  readonly handler: AccelerateHandler;
  readonly worker: number;
  readonly workers: number;
  readonly forward: ForwardRequest;
  /** What strangers send is not gathered: they are answered here. */
  readonly hasKey: HasKey;
  readonly maxRequestBytes: number;
}

/** Ids that say whose transaction it is. */
export function markTransactions(transactions: Transactions, worker: number): Transactions {
  return {
    async start(...wish) {
      return markTransactionId(await transactions.start(...wish), worker);
    },
    find: (tenant, id) => transactions.find(tenant, readTransactionId(id).id),
    get size() {
      return transactions.size;
    },
  };
}

export function createRoutedAccelerate(options: RoutedAccelerateOptions): AccelerateHandler {
  const { handler, worker, workers, forward, hasKey, maxRequestBytes } = options;

  const ownerOf = (id: string): number | undefined => ownerElsewhere(id, worker, workers);

  async function send(owner: number, request: Request, body?: Uint8Array): Promise<Response> {
    try {
      return await forwardFetch(forward, owner, request, { body, maxRequestBytes });
    } catch (error) {
      return refuse(error);
    }
  }

  const within =
    (here: (request: Request, id: string) => Promise<Response>) =>
    async (request: Request, id: string): Promise<Response> => {
      const owner = ownerOf(id);
      return owner === undefined || !(await hasKey(request)) ? here(request, id) : send(owner, request);
    };

  return {
    ...handler,
    queryWithin: within(handler.queryWithin),
    commit: within(handler.commit),
    rollback: within(handler.rollback),
    async startTransaction(request) {
      if (!(await hasKey(request))) return handler.startTransaction(request);
      // A transaction within another is a savepoint there; which one is said in the body.
      let bytes: Uint8Array;
      try {
        bytes = await readBytes(request, maxRequestBytes);
      } catch (error) {
        return refuse(error);
      }
      const owner = ownerOf(outerTransaction(bytes));
      if (owner !== undefined) return send(owner, request, bytes);
      const { method, headers, signal, url } = request;
      return handler.startTransaction(
        new Request(url, { method, headers, signal, body: bytes as Uint8Array<ArrayBuffer> }),
      );
    },
  };
}

function refuse(error: unknown): Response {
  const { status, headers, body } = accelerateErrorReply(error);
  return Response.json(body, { status, headers });
}

/** '' when there is none. */
function outerTransaction(body: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    const id = typeof value === 'object' && value !== null && 'newTxId' in value ? value.newTxId : undefined;
    return typeof id === 'string' ? id : '';
  } catch {
    return '';
  }
}
