// Puts sql-connection.ts in front of a node:http or node:https server: every accepted connection begins there, and what
// it will not read goes on to the server's own listener, as if it had just been accepted.

import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { SqlHandler } from '../http/sql-handler.ts';
import { isStartupPacket } from '../startup/wrong-port.ts';
import { createPlaceToRead, readBufferBytes } from './accepted-socket.ts';
import { createNodeClock } from './clock.ts';
import { SqlConnection, type SqlConnectionOptions } from './sql-connection.ts';
import { createSqlResponseWriter } from './sql-response.ts';

export interface SqlFrontOptions {
  readonly handler: SqlHandler;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly onDefect: (error: unknown) => void;
  /** Somebody speaks the Postgres protocol. Absent: `server` says what it thinks of that. */
  readonly onPostgres?: (socket: Socket) => void;
  /** How often the time limits are looked at. */
  readonly checkIntervalMs: number;
}

export interface SqlFront {
  /** Closes what is idle; what is being answered closes behind the answer. */
  close(): void;
  /** Ends every connection now, but those of the server. */
  destroyConnections(): void;
}

/** `server` must not have begun to listen. Connections handed on are the server's alone. */
export function createSqlFront(server: HttpServer, options: SqlFrontOptions): SqlFront {
  const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  const connections = new Set<SqlConnection>();
  const strayed = new Set<Socket>();
  const listeners = server.listeners(event) as ((socket: Socket) => void)[];
  const clock = createNodeClock();
  let isClosing = false;
  let timer: NodeJS.Timeout | undefined;

  function check(): void {
    const now = clock.now();
    for (const connection of connections) connection.expire(now);
    if (connections.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  const connectionOptions: SqlConnectionOptions = {
    ...options,
    responses: createSqlResponseWriter({ keepAliveTimeoutMs: options.keepAliveTimeoutMs, now: Date.now }),
    now: clock.now,
    isClosing: () => isClosing,
    handOver(socket, input) {
      if (options.onPostgres !== undefined && isStartupPacket(input)) {
        strayed.add(socket);
        socket.once('close', () => strayed.delete(socket));
        options.onPostgres(socket);
        return;
      }
      for (const listener of listeners) listener.call(server, socket);
    },
    onClosed: (connection) => void connections.delete(connection),
  };

  const readInPlace = createPlaceToRead(Buffer.allocUnsafeSlow(readBufferBytes));
  server.removeAllListeners(event);
  server.on(event, (accepted: Socket) => {
    connections.add(new SqlConnection(accepted, readInPlace, connectionOptions));
    timer ??= setInterval(check, options.checkIntervalMs).unref();
  });

  return {
    close() {
      isClosing = true;
      for (const connection of connections) connection.closeIdle();
    },
    destroyConnections() {
      for (const connection of connections) connection.destroy();
      for (const socket of strayed) socket.destroy();
    },
  };
}
