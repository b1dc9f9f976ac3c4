// Bytes of an HTTP/1.1 response as node:http would write them: the same headers in the same order.

import { STATUS_CODES } from 'node:http';
import { sqlHeader } from '@postern/contract';
import { FrontViews } from '@postern/pool';
import type { SqlHttpReply, WholeReply } from '../http/sql-handler.ts';
import type { SocketWriter } from './socket-writer.ts';

export interface SqlResponseWriter {
  /**
   * Writes a response whose body is whole. `keepsAlive`: the connection may be used again. False: `writer.onDrain` will be
   * called when it has been taken. Throws when a header cannot be written.
   */
  send(writer: SocketWriter, reply: WholeReply, keepsAlive: boolean): boolean;
}

export interface SqlResponseWriterOptions {
  readonly keepAliveTimeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Responses up to this length are put together in memory that is used again and again. */
const sharedBytes = 20_480;
/** Up to here a body is copied behind its head, to leave in one piece. */
const maxCopiedBytes = 16_384;

/** What may stand in a value: nothing that could end a line. */
const validValue = /^[\t\x20-\x7e]*$/;

export function createSqlResponseWriter({ keepAliveTimeoutMs, now }: SqlResponseWriterOptions): SqlResponseWriter {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`;
  const close = 'Connection: close\r\n\r\n';
  let shared = new FrontViews(Buffer.allocUnsafeSlow(sharedBytes));
  // Nearly all responses differ in their id and length only: what is in front and behind is the last one's again.
  let front = { status: 0, headers: undefined as SqlHttpReply['headers'] | undefined, text: Buffer.alloc(0) };
  let behind = { second: -1, keepsAlive: false, text: Buffer.alloc(0) };

  function frontOf(status: number, headers: SqlHttpReply['headers']): Buffer {
    if (front.status === status && front.headers === headers) return front.text;
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    for (const name in headers) text += line(name, headers[name]!);
    front = { status, headers, text: Buffer.from(text, 'latin1') };
    return front.text;
  }

  function behindOf(keepsAlive: boolean): Buffer {
    const second = Math.floor(now() / 1000);
    if (behind.second === second && behind.keepsAlive === keepsAlive) return behind.text;
    const date = new Date(second * 1000).toUTCString();
    behind = {
      second,
      keepsAlive,
      text: Buffer.from(`\r\nDate: ${date}\r\n${keepsAlive ? keepAlive : close}`, 'latin1'),
    };
    return behind.text;
  }

  /** The head, at the front of memory that is long enough for the body, too, if that is to follow; and its length. */
  function writeHead(reply: SqlHttpReply, bodyBytes: number, keepsAlive: boolean, isShareable: boolean): HeadInMemory {
    const start = frontOf(reply.status, reply.headers);
    const id = reply.requestId === undefined ? '' : `${sqlHeader.requestId}: ${reply.requestId}\r\n`;
    const variable = `${id}content-length: ${bodyBytes}`;
    const end = behindOf(keepsAlive);
    const length = start.length + variable.length + end.length;
    const needed = length + (bodyBytes <= maxCopiedBytes ? bodyBytes : 0);
    const isShared = isShareable && needed <= sharedBytes;
    const memory = isShared ? shared.memory : Buffer.allocUnsafe(needed);
    memory.set(start, 0);
    memory.write(variable, start.length, 'latin1');
    memory.set(end, start.length + variable.length);
    return { memory, length, isShared };
  }

  return {
    send(writer, reply, keepsAlive) {
      const { body } = reply;
      const { memory, length, isShared } = writeHead(reply, body.length, keepsAlive, !writer.isTls);
      let isTaken: boolean;
      if (body.length <= maxCopiedBytes) {
        memory.set(body, length);
        const whole = length + body.length;
        isTaken = writer.send(isShared ? shared.first(whole) : memory.subarray(0, whole));
      } else {
        isTaken = writer.sendBoth(memory.subarray(0, length), body);
        if (!isTaken || writer.isTls) reply.lender?.giveAway();
      }
      // What the kernel did not take within the call is still in that very memory.
      if (isShared && !isTaken) shared = new FrontViews(Buffer.allocUnsafeSlow(sharedBytes));
      return isTaken;
    },
  };
}

interface HeadInMemory {
  readonly memory: Buffer;
  readonly length: number;
  /** The memory is used for the next response, too. */
  readonly isShared: boolean;
}

function line(name: string, value: string): string {
  if (!validValue.test(value)) throw new Error(`invalid value of response header ${name}`);
  return `${name}: ${value}\r\n`;
}
