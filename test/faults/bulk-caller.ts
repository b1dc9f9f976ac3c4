/** A caller that moves more bytes than it wants to keep, over TCP, with back-pressure both ways. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connectRaw, type RawClient, streamFromSocket } from '@postern/testkit';
import { BackendCode, createMessageReader, decodeErrorFields } from '@postern/wire';
import type { GatewayProcess } from './gateway-process.ts';

export interface Drained {
  /** Messages by their code. */
  readonly counts: ReadonlyMap<number, number>;
  readonly bodyBytes: number;
  /** Of the first ErrorResponse. */
  readonly error: string | undefined;
}

export interface BulkCaller {
  /** For ordinary exchanges. */
  readonly client: RawClient;
  readonly socket: Socket;
  /** Writes at the pace the gateway takes it; stops early when `until` settles. */
  pour(chunks: Iterable<Uint8Array>, until?: Promise<unknown>): Promise<void>;
  /** Counts what arrives, until ReadyForQuery. */
  drain(): Promise<Drained>;
}

export async function connectBulk(gateway: GatewayProcess): Promise<BulkCaller> {
  const { user, password, name } = gateway.database;
  const socket = connect({ host: '127.0.0.1', port: gateway.tcpPort, noDelay: true });
  await once(socket, 'connect');
  const stream = streamFromSocket(socket);
  const client = await connectRaw({ stream, user, password, database: name, params: { pooled: 'true' } });

  return {
    client,
    socket,
    async pour(chunks, until) {
      let isOver = false;
      const over = until?.finally(() => {
        isOver = true;
      });
      for (const chunk of chunks) {
        if (isOver) return;
        if (!socket.write(chunk)) await (over ? Promise.race([once(socket, 'drain'), over]) : once(socket, 'drain'));
      }
    },
    drain() {
      const takeMessages = stream.onData;
      const counts = new Map<number, number>();
      let bodyBytes = 0;
      let error: string | undefined;
      return new Promise((resolve) => {
        const reader = createMessageReader({
          maxMessageBytes: 1 << 30,
          onMessage(code, body) {
            counts.set(code, (counts.get(code) ?? 0) + 1);
            bodyBytes += body.length;
            if (code === BackendCode.ErrorResponse) error ??= decodeErrorFields(body).message;
            if (code !== BackendCode.ReadyForQuery) return;
            stream.onData = takeMessages;
            resolve({ counts, bodyBytes, error });
          },
        });
        stream.onData = (bytes) => {
          reader.push(bytes);
          return false;
        };
      });
    },
  };
}
