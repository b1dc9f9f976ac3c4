/** HTTP upgrades to WebSockets. `ws` shakes hands; what follows is read and written by ws/websocket-stream.ts. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sessionSubprotocol } from '@postern/contract';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { WebSocketFrontend } from '../ws/websocket-frontend.ts';
import { createSocketAcceptor } from './accepted-socket.ts';
import { callerPlace } from './caller-place.ts';

export interface WebSocketUpgradeOptions {
  frontend: WebSocketFrontend;
}

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Idle time before the kernel probes a caller that is paused and so cannot answer pings. */
const keepAliveMs = 60_000;

/** `ws` calls this when hands are shaken, to begin reading; the socket stays ours. */
class HandshakeOnly extends WebSocket {
  setSocket(): void {}
}

export function createWebSocketUpgrade({ frontend }: WebSocketUpgradeOptions): UpgradeListener {
  const settings: ServerOptions<typeof HandshakeOnly> = {
    noServer: true,
    clientTracking: false,
    // Postgres data of one caller are not compressed with another's latency, and never with secrets beside them.
    perMessageDeflate: false,
    // Without this `ws` would accept the first subprotocol that is offered.
    handleProtocols: (offered) => (offered.has(sessionSubprotocol) ? sessionSubprotocol : false),
    WebSocket: HandshakeOnly,
  };
  const handshakes = new WebSocketServer(settings);
  const acceptor = createSocketAcceptor();

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
    handshakes.handleUpgrade(request, socket, head, () => {
      const { remoteAddress: address = 'unknown', security } = callerPlace(request);
      socket.setTimeout(0);
      const accepted = acceptor.accept(socket, { security });
      accepted.socket.setKeepAlive(true, keepAliveMs);
      frontend.connected(accepted.stream, {
        url,
        host: request.headers.host,
        address,
        security,
        multiplexing: offered.includes(sessionSubprotocol) ? { offered } : undefined,
        head,
      });
    });
  };
}

function refuse(socket: Socket, status: string, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
