// `/sql` directly on node:http, ahead of the Hono app: no Request, no Response, no streams in between.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { sqlPath } from '@postern/contract';
import { ownBody } from '../http/lent-body.ts';
import { callerGone, requestTooLarge } from '../http/request-errors.ts';
import { allHeaders, type SqlHandler, type SqlHttpReply, type SqlHttpRequest } from '../http/sql-handler.ts';
import type { StreamedBody } from '../http/streamed-body.ts';
import { callerPlace } from './caller-place.ts';
import { behind, OpenAnswers } from './open-answers.ts';

/** Answers the request and returns true, or returns false and leaves it alone. */
export type SqlListener = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface SqlListenerOptions {
  /** A caller that takes nothing of a whole answer for so long is gone: it is held in memory. */
  readonly stallTimeoutMs?: number;
}

/** Takes `POST /sql` and nothing else; OPTIONS, other methods and other paths are the app's. */
export function createSqlListener(handler: SqlHandler, options: SqlListenerOptions = {}): SqlListener {
  const { stallTimeoutMs = 60_000 } = options;
  const answers = new OpenAnswers();
  return (request, response) => {
    if (request.method !== 'POST' || !isSqlPath(request.url)) return false;
    const { socket } = request;
    const former = answers.note(socket, response);
    // Only safe methods may run side by side (RFC 9112 §9.3.2).
    behind(former, () => {
      if (former !== undefined && socket.destroyed) return;
      handler(fromIncomingMessage(request, response), (reply) => send(response, reply, stallTimeoutMs));
    });
    return true;
  };
}

const startOfAbsoluteUrl = /^https?:\/\/[^/?#]+/i;

/** Proxies send whole URLs (RFC 9112 §3.2.2), of which only the path is ours to look at. */
function isSqlPath(url = ''): boolean {
  const path = url.startsWith('/') ? url : url.replace(startOfAbsoluteUrl, '');
  return path === sqlPath || path.startsWith(`${sqlPath}?`);
}

function send(response: ServerResponse, reply: SqlHttpReply, stallTimeoutMs: number): void {
  const { status, body } = reply;
  const headers = allHeaders(reply);
  if (!(body instanceof Uint8Array)) {
    sendStreamed(response, status, headers, body, stallTimeoutMs);
    return;
  }
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(ownBody({ ...reply, body }));
  dropWhenStalled(response, stallTimeoutMs);
}

/** The answer is made. Until all is written; then node:http sets the time limit for the next request. */
function dropWhenStalled(response: ServerResponse, stallTimeoutMs: number): void {
  // Without a listener it means the end.
  if (response.writableLength > 0) response.setTimeout(stallTimeoutMs);
}

/** The caller's leaving reaches the body through `onAbort` of the request. */
function sendStreamed(
  response: ServerResponse,
  status: number,
  headers: SqlHttpReply['headers'],
  body: StreamedBody,
  stallTimeoutMs: number,
): void {
  if (response.destroyed) {
    body.abandon();
    return;
  }
  response.writeHead(status, headers);
  response.on('drain', () => body.drained());
  body.start({
    write: (bytes) => response.write(bytes),
    get bufferedBytes() {
      return response.writableLength;
    },
    end() {
      response.end();
      dropWhenStalled(response, stallTimeoutMs);
    },
    destroy: () => void response.destroy(),
  });
}

function fromIncomingMessage(request: IncomingMessage, response: ServerResponse): SqlHttpRequest {
  return {
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    readBody: (maxBytes) => readBody(request, maxBytes),
    get isAborted() {
      return response.destroyed;
    },
    onAbort(listener) {
      response.once('close', () => {
        if (!response.writableEnded) listener();
      });
    },
    ...callerPlace(request),
  };
}

function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) {
      reject(callerGone());
      return;
    }
    // What is not read any more is discarded by node:http as it arrives, so that the caller can read the answer.
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      reject(requestTooLarge(maxBytes));
      return;
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      request.off('data', onData);
      reject(requestTooLarge(maxBytes));
      request.resume();
    };
    request.on('data', onData);
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    // An unfinished request ends with 'close' in any case; 'error' must have a listener.
    request.once('error', () => {});
    request.once('close', () => {
      if (!request.complete) reject(callerGone());
    });
  });
}
