// Bytes of an HTTP/1.1 response as node:http would write them: the same headers in the same order.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { SqlHttpReply } from '../http/sql-handler.ts';

export interface SqlResponseWriter {
  /** The response up to its body. `keepsAlive`: the connection may be used again. */
  head(reply: SqlHttpReply, contentLength: number, keepsAlive: boolean): string;
  /** Writes head and body in one piece. False: `socket` will say 'drain' when it has been taken. */
  send(socket: Socket, head: string, body: Uint8Array): boolean;
}

export interface SqlResponseWriterOptions {
  readonly keepAliveTimeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Responses up to this length are put together in memory that is used again and again. */
const sharedBytes = 20_480;

/** What may stand in a value: nothing that could end a line. */
const validValue = /^[\t\x20-\x7e]*$/;

export function createSqlResponseWriter({ keepAliveTimeoutMs, now }: SqlResponseWriterOptions): SqlResponseWriter {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`;
  const close = 'Connection: close\r\n\r\n';
  let date = '';
  let second = -1;
  let shared = Buffer.allocUnsafeSlow(sharedBytes);

  function currentDate(): string {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      date = new Date(current * 1000).toUTCString();
    }
    return date;
  }

  return {
    send(socket, head, body) {
      const length = head.length + body.length;
      const isShared = length <= sharedBytes && !('encrypted' in socket);
      const bytes = isShared ? shared.subarray(0, length) : Buffer.allocUnsafe(length);
      bytes.write(head, 0, 'latin1');
      bytes.set(body, head.length);
      const isTaken = socket.write(bytes);
      // What the kernel did not take within the call is still in that very memory.
      if (isShared && socket.writableLength > 0) shared = Buffer.allocUnsafeSlow(sharedBytes);
      return isTaken;
    },
    head({ status, headers }, contentLength, keepsAlive) {
      let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
      for (const name in headers) {
        const value = headers[name]!;
        if (!validValue.test(value)) throw new Error(`invalid value of response header ${name}`);
        text += `${name}: ${value}\r\n`;
      }
      return `${text}content-length: ${contentLength}\r\nDate: ${currentDate()}\r\n${keepsAlive ? keepAlive : close}`;
    },
  };
}
