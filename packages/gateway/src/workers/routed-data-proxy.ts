/**
 * The older protocol among several workers: what concerns a transaction is answered by the worker that has it, and a schema
 * that one of them gets is told to all, because the client's next request may arrive anywhere.
 */
import type { HasKey } from '../accelerate/create-accelerate.ts';
import { readBytes } from '../accelerate/request-body.ts';
import type { ErrorReply } from '../accelerate/responder.ts';
import type { ClientPath, DataProxyHandler } from '../data-proxy/data-proxy-handler.ts';
import { queryErrorReply, requestErrorReply } from '../data-proxy/error-reply.ts';
import { maxSchemaUploadBytes } from '../data-proxy/schema-store.ts';
import { forwardFetch } from './forward-fetch.ts';
import type { ForwardRequest } from './forward-request.ts';
import { ownerElsewhere } from './worker-tokens.ts';

export interface RoutedDataProxyOptions {
  readonly handler: DataProxyHandler;
  readonly worker: number;
  readonly workers: number;
  readonly forward: ForwardRequest;
  /** What strangers send is not gathered: they are answered here. */
  readonly hasKey: HasKey;
  readonly maxRequestBytes: number;
}

/** Marks a schema that comes from another worker. A stranger who sends it keeps the others from knowing its own schema. */
const toldHeader = 'postern-schema-told';

export function createRoutedDataProxy(options: RoutedDataProxyOptions): DataProxyHandler {
  const { handler, worker, workers, forward, hasKey, maxRequestBytes } = options;

  const within =
    (here: DataProxyHandler['queryWithin'], errorReply: ErrorReply): DataProxyHandler['queryWithin'] =>
    async (request, path, id) => {
      const owner = ownerElsewhere(id, worker, workers);
      if (owner === undefined || !(await hasKey(request))) return here(request, path, id);
      try {
        return await forwardFetch(forward, owner, request, { maxRequestBytes });
      } catch (error) {
        return refuse(error, errorReply);
      }
    };

  /** Whoever cannot be told says that the schema is missing when it is asked, and gets it then. */
  async function tellOthers(request: Request, body: Uint8Array): Promise<void> {
    const others = Array.from({ length: workers }, (_, index) => index + 1).filter((number) => number !== worker);
    const extraHeaders = { [toldHeader]: String(worker) };
    await Promise.allSettled(
      others.map((other) =>
        forwardFetch(forward, other, request, { body, extraHeaders, maxRequestBytes: maxSchemaUploadBytes }),
      ),
    );
  }

  async function putSchema(request: Request, path: ClientPath): Promise<Response> {
    if (!(await hasKey(request))) return handler.putSchema(request, path);
    let body: Uint8Array;
    try {
      body = await readBytes(request, maxSchemaUploadBytes);
    } catch (error) {
      return refuse(error, requestErrorReply);
    }
    const { method, headers, signal, url } = request;
    const own = new Request(url, { method, headers, signal, body: body as Uint8Array<ArrayBuffer> });
    const response = await handler.putSchema(own, path);
    if (response.ok && !headers.has(toldHeader)) await tellOthers(request, body);
    return response;
  }

  return {
    ...handler,
    putSchema,
    queryWithin: within(handler.queryWithin, queryErrorReply),
    commit: within(handler.commit, requestErrorReply),
    rollback: within(handler.rollback, requestErrorReply),
  };
}

function refuse(error: unknown, errorReply: ErrorReply): Response {
  const { status, headers, body } = errorReply(error);
  return Response.json(body, { status, headers });
}
