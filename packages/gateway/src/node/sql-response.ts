// Bytes of an HTTP/1.1 response as node:http would write them: the same headers in the same order.

import { STATUS_CODES } from 'node:http';
import type { SqlHttpReply } from '../http/sql-handler.ts';

export interface SqlResponseWriter {
  /** The response up to its body. `keepsAlive`: the connection may be used again. */
  head(reply: SqlHttpReply, contentLength: number, keepsAlive: boolean): string;
}

export interface SqlResponseWriterOptions {
  readonly keepAliveTimeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What may stand in a value: nothing that could end a line. */
const validValue = /^[\t\x20-\x7e]*$/;

export function createSqlResponseWriter({ keepAliveTimeoutMs, now }: SqlResponseWriterOptions): SqlResponseWriter {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`;
  const close = 'Connection: close\r\n\r\n';
  let date = '';
  let second = -1;

  function currentDate(): string {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      date = new Date(current * 1000).toUTCString();
    }
    return date;
  }

  return {
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
