/** fetch's Request, answered by another worker. */
import { readBytes } from '../accelerate/request-body.ts';
import { toReadableStream } from '../http/streamed-body.ts';
import type { ForwardRequest } from './forward-request.ts';

/** `body`: what was read of it already. `extraHeaders` win. Rejects with a GatewayError when the worker is gone. */
export async function forwardFetch(
  forward: ForwardRequest,
  owner: number,
  request: Request,
  { body, extraHeaders = {}, maxRequestBytes }: ForwardFetchOptions,
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const reply = await forward(owner, {
    method: request.method,
    path: pathname + search,
    headers: { ...Object.fromEntries(request.headers), ...extraHeaders },
    body: body ?? (await readBytes(request, maxRequestBytes)),
    remoteAddress: undefined,
    onAbort: (listener) => request.signal.addEventListener('abort', listener, { once: true }),
  });
  // Response's type wants a buffer that is not shared; ours never is.
  const content =
    reply.body instanceof Uint8Array ? (reply.body as Uint8Array<ArrayBuffer>) : toReadableStream(reply.body);
  return new Response(content, { status: reply.status, headers: reply.headers });
}

export interface ForwardFetchOptions {
  readonly body?: Uint8Array | undefined;
  readonly extraHeaders?: Readonly<Record<string, string>>;
  readonly maxRequestBytes: number;
}
