// `/sql` in a Hono app, on fetch's Request and Response: for every runtime but Node's http (../node/http-sql.ts).

import { GatewayError, sqlPath } from '@postern/contract';
import type { HttpApp, HttpCallerPlace } from './http-app.ts';
import { jsonError } from './json-error.ts';
import { ownBody } from './lent-body.ts';
import { requestTooLarge } from './request-errors.ts';
import { preflightHeaders } from './response-headers.ts';
import { allHeaders, type SqlHandler, type SqlHttpReply, type SqlHttpRequest } from './sql-handler.ts';
import { toReadableStream } from './streamed-body.ts';

const unknownPlace: HttpCallerPlace = { remoteAddress: undefined, security: 'plain' };

/** Answers POST and OPTIONS on `/sql`, and 405 to everything else there. */
export function mountSql(app: HttpApp, handler: SqlHandler): void {
  app.post(sqlPath, ({ req, env }) => {
    // There is no `env` where the server gives none, whatever Hono's types say.
    return new Promise<Response>((resolve) =>
      handler(fromFetchRequest(req.raw, env?.caller), (reply) => resolve(toResponse(reply))),
    );
  });
  app.options(sqlPath, () => new Response(null, { status: 200, headers: preflightHeaders }));
  app.all(sqlPath, ({ req }) => jsonError(methodNotAllowed(req.method), { allow: preflightHeaders.allow! }));
}

function toResponse(reply: SqlHttpReply): Response {
  const init = { status: reply.status, headers: allHeaders(reply) };
  const { body } = reply;
  if (!(body instanceof Uint8Array)) return new Response(toReadableStream(body), init);
  // Response's type wants a buffer that is not shared; ours never is.
  return new Response(ownBody({ ...reply, body }) as Uint8Array<ArrayBuffer>, init);
}

function methodNotAllowed(method: string): GatewayError {
  return new GatewayError('method_not_allowed', `method ${method.slice(0, 20)} is not allowed on ${sqlPath}: use POST`);
}

function fromFetchRequest(request: Request, caller: HttpCallerPlace = unknownPlace): SqlHttpRequest {
  return {
    header: (name) => request.headers.get(name) ?? undefined,
    readBody: (maxBytes) => readBody(request, maxBytes),
    get isAborted() {
      return request.signal.aborted;
    },
    onAbort: (listener) => request.signal.addEventListener('abort', () => listener(), { once: true }),
    ...caller,
  };
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw requestTooLarge(maxBytes);
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Cut off in the middle when too long: leaving the loop cancels the stream.
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw requestTooLarge(maxBytes);
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
