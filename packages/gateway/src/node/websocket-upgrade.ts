/** HTTP upgrades to WebSockets, on `ws`. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sessionLimits, sessionSubprotocol } from '@postern/contract';
import type { StreamSecurity } from '@postern/pool';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { WebSocketFrontend } from '../ws/websocket-frontend.ts';
import { AnsweringWebSocket } from '../ws/websocket-stream.ts';
import { socketSecurity } from './socket-stream.ts';

export interface WebSocketUpgradeOptions {
  frontend: WebSocketFrontend;
  /** Largest message taken; Neon's driver sends a query with all its parameters as one. */
  maxMessageBytes: number;
  /** How long a peer may take to answer our close frame. */
  closeTimeoutMs?: number;
}

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Idle time before the kernel probes a caller that is paused and so cannot answer pings. */
const keepAliveMs = 60_000;

export function createWebSocketUpgrade(options: WebSocketUpgradeOptions): UpgradeListener {
  const { frontend, maxMessageBytes, closeTimeoutMs = 5_000 } = options;
  const settings: ServerOptions<typeof AnsweringWebSocket> & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Postgres data of one caller are not compressed with another's latency, and never with secrets beside them.
    perMessageDeflate: false,
    // Without this `ws` would accept the first subprotocol that is offered.
    handleProtocols: (offered) => (offered.has(sessionSubprotocol) ? sessionSubprotocol : false),
    maxPayload: maxMessageBytes,
    skipUTF8Validation: true,
    // Known to ws 8.23, not yet to its type declarations.
    closeTimeout: closeTimeoutMs,
    WebSocket: AnsweringWebSocket,
  };
  const plain = new WebSocketServer(settings);
  const multiplexing = new WebSocketServer({ ...settings, maxPayload: sessionLimits.maxMessageBytes });

  return function upgrade(request, duplex, head) {
    const socket = duplex as Socket; // node:http and node:https hand over the net.Socket or TLSSocket they accepted
    const ignore = (): void => {};
    socket.on('error', ignore);
    const url = request.url ?? '/';
    if (!frontend.serves(url)) {
      refuse(socket, '404 Not Found', 'WebSockets are served at /v2 and /v1?address=host:port');
      return;
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const isMultiplexing = offered.includes(sessionSubprotocol);
    (isMultiplexing ? multiplexing : plain).handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveMs);
      frontend.connected(webSocket as AnsweringWebSocket, {
        url,
        host: request.headers.host,
        address: socket.remoteAddress ?? 'unknown',
        security: securityOf(request, socket),
        transport: socket,
        isTls: 'encrypted' in socket,
        multiplexing: isMultiplexing ? { offered } : undefined,
        countBytes(onBytes) {
          const count = (chunk: Buffer): void => onBytes(chunk.length);
          socket.on('data', count);
          return () => void socket.off('data', count);
        },
      });
    });
  };
}

/**
 * A proxy that ends TLS in front of us says so. To lie about it a caller would have to be the one whose password it
 * concerns, so the header is taken at its word.
 */
function securityOf(request: IncomingMessage, socket: Socket): StreamSecurity {
  const forwarded = request.headers['x-forwarded-proto'];
  const protocol = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',')[0]?.trim().toLowerCase();
  return protocol === 'https' || protocol === 'wss' ? 'tls' : socketSecurity(socket);
}

function refuse(socket: Socket, status: string, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
