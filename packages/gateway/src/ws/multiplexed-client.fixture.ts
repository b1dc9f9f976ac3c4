/** For tests: the other end of a WebSocket of many sessions. */
import {
  createSessionFrameDecoder,
  encodeHello,
  encodeSessionCredit,
  encodeSessionEnd,
  encodeSessionFrame,
  sessionSubprotocol,
} from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { concatBytes } from '@postern/wire';
import { WebSocket } from 'ws';
import { createMultiplexedStream, type MultiplexedStream } from './multiplexed-stream.ts';

export interface MultiplexedClient {
  /** A new session. What is written before `connect` travels in the upgrade request. */
  open(): ByteStream;
  /** Resolves when the WebSocket is open. */
  connect(url: string): Promise<void>;
  /** Sends frames as they are. */
  send(...frames: Uint8Array[]): void;
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Payload bytes received per session. */
  readonly received: ReadonlyMap<number, number>;
}

export function createMultiplexedClient(): MultiplexedClient {
  const sessions = new Map<number, MultiplexedStream>();
  const received = new Map<number, number>();
  let early: Uint8Array[] | undefined = [];
  let socket: WebSocket | undefined;
  let newest = 0;
  let settle: (closed: { code: number; reason: string }) => void;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    settle = resolve;
  });

  function send(...frames: Uint8Array[]): void {
    if (early !== undefined) early.push(...frames);
    else if (socket?.readyState === WebSocket.OPEN) socket.send(concatBytes(frames));
  }

  const decoder = createSessionFrameDecoder({
    onBytes(session, bytes) {
      received.set(session, (received.get(session) ?? 0) + bytes.length);
      sessions.get(session)?.received(bytes);
    },
    onEnd: (session) => sessions.get(session)?.left(),
    onCredit: (session, bytes) => sessions.get(session)?.credited(bytes),
  });

  return {
    open() {
      const id = ++newest;
      const stream = createMultiplexedStream(id, {
        security: 'loopback',
        get bufferedBytes() {
          return socket?.bufferedAmount ?? 0;
        },
        sendBytes: (session, bytes) => send(encodeSessionFrame(session, bytes)),
        sendCredit: (session, bytes) => send(encodeSessionCredit(session, bytes)),
        sendEnd(session) {
          sessions.delete(session);
          send(encodeSessionEnd(session));
        },
      });
      sessions.set(id, stream);
      return stream;
    },
    connect(url) {
      const hello = early!;
      const opening = new WebSocket(url, [
        sessionSubprotocol,
        ...(hello.length > 0 ? [encodeHello(concatBytes(hello))] : []),
      ]);
      socket = opening;
      opening.on('message', (data) => decoder.push(data as Buffer));
      opening.on('close', (code, reason) => {
        for (const stream of sessions.values()) stream.left();
        settle({ code, reason: reason.toString() });
      });
      return new Promise((resolve, reject) => {
        opening.once('error', reject);
        opening.once('open', () => {
          early = undefined;
          resolve();
        });
      });
    },
    send,
    get socket() {
      if (socket === undefined) throw new Error('not connected yet');
      return socket;
    },
    closed,
    received,
  };
}
