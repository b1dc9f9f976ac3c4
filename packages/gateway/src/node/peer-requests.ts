// Requests from worker to worker of one program: plain HTTP over a Unix socket in a folder that only this user can enter
// (a named pipe on Windows). Streams, back-pressure and callers that leave are HTTP's business, as everywhere else.

import { rmSync } from 'node:fs';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { GatewayError, rowStreamContentType } from '@postern/contract';
import type { Gateway } from '../gateway.ts';
import type { BodySink, StreamedBody } from '../http/streamed-body.ts';
import { type ForwardedReply, type ForwardRequest, remoteAddressHeader } from '../workers/forward-request.ts';
import { createSqlListener } from './http-sql.ts';

/** Where a worker takes the others' requests. `folder` is nobody else's to enter. */
export function peerPath(folder: string, worker: number): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\${folder}-${worker}` : join(folder, `${worker}.sock`);
}

/** Serves the others; resolves when it listens. */
export function startPeerServer(path: string, { sql, app }: Pick<Gateway, 'sql' | 'app'>): Promise<Server> {
  const takeOther = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const takeSql = createSqlListener((request, respond) =>
    sql(
      {
        header: (name) => request.header(name),
        readBody: (maxBytes) => request.readBody(maxBytes),
        get isAborted() {
          return request.isAborted;
        },
        onAbort: (listener) => request.onAbort(listener),
        remoteAddress: request.header(remoteAddressHeader),
        // The worker that took it has looked at how it came.
        security: 'loopback',
      },
      respond,
    ),
  );
  const server = createServer({ keepAliveTimeout: idleMs * 2, noDelay: true }, (request, response) => {
    if (!takeSql(request, response)) void takeOther(request, response);
  });
  // Of a worker with this number that was killed.
  if (process.platform !== 'win32') rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Exclusive: node:cluster would share it among all workers otherwise.
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

/** A connection between two workers that nobody used for so long is closed. */
const idleMs = 30_000;
/** Requests under way to other workers; the transactions they belong to are limited themselves. */
const maxConnections = 1_000;
/** Longest part of a streamed answer that waits for a caller. */
const highWaterBytes = 65_536;

/** Sends requests to the worker whose path `pathOf` tells. */
export function createForward(pathOf: (worker: number) => string): ForwardRequest {
  const agent = new Agent({ keepAlive: true, maxSockets: maxConnections, maxFreeSockets: 64, timeout: idleMs });
  return (worker, { method, path, headers, body, remoteAddress, onAbort }) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({
        agent,
        socketPath: pathOf(worker),
        method,
        path,
        headers: {
          ...withoutHopByHop(headers),
          host: 'worker',
          'content-length': body.length,
          ...(remoteAddress === undefined ? {} : { [remoteAddressHeader]: remoteAddress }),
        },
      });
      // The agent's time limit is for idle connections; what runs has limits where it runs.
      request.setTimeout(0);
      request.on('error', () => reject(workerGone()));
      request.on('response', (response) => {
        readReply(response, request.destroy.bind(request)).then(resolve, () => reject(workerGone()));
      });
      onAbort(() => request.destroy());
      request.end(body);
    });
}

async function readReply(response: IncomingMessage, abandon: () => void): Promise<ForwardedReply> {
  const status = response.statusCode ?? 502;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(withoutHopByHop(response.headers))) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  if (headers['content-type'] === rowStreamContentType)
    return { status, headers, body: streamedBody(response, abandon) };
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  // Whole answers are limited by the worker that made them.
  return { status, headers, body: Buffer.concat(chunks) };
}

function streamedBody(response: IncomingMessage, abandon: () => void): StreamedBody {
  let sink: BodySink | undefined;
  return {
    start(given) {
      sink = given;
      response.on('data', (chunk: Buffer) => {
        if (!given.write(chunk) && given.bufferedBytes > highWaterBytes) response.pause();
      });
      response.on('end', () => given.end());
      response.on('error', () => given.destroy());
      response.on('close', () => {
        if (!response.complete) given.destroy();
      });
    },
    drained() {
      if (sink !== undefined) response.resume();
    },
    abandon,
  };
}

function withoutHopByHop<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  const {
    connection: _,
    'keep-alive': _k,
    'transfer-encoding': _t,
    'content-length': _l,
    host: _h,
    date: _d,
    ...rest
  } = headers;
  return rest;
}

/** Postgres ends a transaction whose connection is gone. */
function workerGone(): GatewayError {
  return new GatewayError('server_connection_lost', 'the gateway process that had this transaction is gone', {
    hint: 'Postgres rolled the transaction back; begin it again.',
  });
}
