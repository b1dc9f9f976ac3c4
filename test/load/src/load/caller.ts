// One caller of the load generator: a connection that writes ready-made bytes and counts replies.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { sslRequest } from './caller-messages.ts';
import { createReplyScanner } from './reply-scanner.ts';
import { createFrameReader, encodeFrame, opcode } from './websocket-frames.ts';

/** How bytes travel. `websocket` needs a path. */
export interface Route {
  readonly transport: 'tcp' | 'tls' | 'websocket';
  readonly port: number;
  readonly path?: string;
}

export interface Caller {
  /** Writes bytes made by `wrapFor(route)`. */
  write(wrapped: Buffer): void;
  /** Stops or resumes reading. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface CallerHandlers {
  /** The transport is there; nothing of Postgres has been sent. */
  open(): void;
  /** A reply is complete. */
  ready(): void;
  bytes?(count: number): void;
  failed(error: Error): void;
}

/** Bytes as `route` wants them: framed and masked for a WebSocket. Done once per statement, not per query. */
export function wrapFor(route: Route, bytes: Buffer): Buffer {
  return route.transport === 'websocket' ? encodeFrame(opcode.binary, bytes) : bytes;
}

const readBytes = 65536;
const pong = encodeFrame(opcode.pong, new Uint8Array(0));

/** Read buffer of all callers of a process: what arrives is looked at and forgotten. */
export function createReadBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(readBytes);
}

export function openCaller(route: Route, readBuffer: Buffer, handlers: CallerHandlers): Caller {
  const scanner = createReplyScanner();
  let isDone = false;
  let socket: Socket;

  function fail(error: Error): void {
    if (isDone) return;
    isDone = true;
    socket.destroy();
    handlers.failed(error);
  }
  function scan(bytes: Uint8Array, from: number, to: number): void {
    handlers.bytes?.(to - from);
    for (let ready = scanner.scan(bytes, from, to); ready > 0; ready--) handlers.ready();
  }
  function guard(read: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
    return (bytes) => {
      try {
        read(bytes);
      } catch (error) {
        fail(error as Error); // thrown by the scanner
      }
    };
  }

  let receive = guard((bytes) => scan(bytes, 0, bytes.length));
  if (route.transport === 'websocket') {
    const frames = createFrameReader({
      data: scan,
      ping: () => socket.write(pong),
      close: () => fail(new Error('the server closed the WebSocket')),
    });
    let head = '';
    const afterUpgrade = guard((bytes) => frames.read(bytes));
    receive = guard((bytes) => {
      head += Buffer.from(bytes).toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${head.slice(0, 200)}`);
      receive = afterUpgrade;
      handlers.open();
      if (end + 4 < head.length) receive(Buffer.from(head.slice(end + 4), 'latin1'));
    });
  }

  const connected = (): void => {
    if (route.transport === 'tcp') handlers.open();
    else if (route.transport === 'websocket') {
      socket.write(
        `GET ${route.path} HTTP/1.1\r\nHost: 127.0.0.1:${route.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cG9zdGVybiBiZW5jaCEhIQ==\r\nSec-WebSocket-Protocol: binary\r\n\r\n',
      );
    }
  };
  const watch = (): void => {
    socket.setNoDelay(true);
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the server closed the connection')));
  };

  if (route.transport === 'tls') {
    const plain = connect({ port: route.port, host: '127.0.0.1' }, () => plain.write(sslRequest));
    socket = plain;
    plain.on('error', fail);
    plain.once('data', (answer) => {
      if (answer[0] !== 0x53) return fail(new Error('the server refuses TLS'));
      // The certificate is the bench's own and speaks for nobody.
      socket = connectTls({ socket: plain, rejectUnauthorized: false }, () => handlers.open());
      watch();
      socket.on('data', (bytes) => receive(bytes));
    });
  } else {
    socket = connect({
      port: route.port,
      host: '127.0.0.1',
      onread: {
        buffer: readBuffer,
        callback: (count, buffer) => {
          receive((buffer as Buffer).subarray(0, count));
          return true;
        },
      },
    });
    watch();
    socket.once('connect', connected);
  }

  return {
    write: (wrapped) => void socket.write(wrapped),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy() {
      isDone = true;
      socket.destroy();
    },
  };
}
