/** The few things a caller needs of a transport. Which one it is (TCP, WebSocket, memory) is the route's business. */
import { connect as connectTcp } from 'node:net';

export interface ByteConnection {
  /** Set before the first byte is wanted; the bytes may be kept. */
  onData: (bytes: Uint8Array) => void;
  /** Exactly once, however it ended. */
  onClose: () => void;
  write(bytes: Uint8Array): void;
  /** Closes politely (FIN). */
  end(): void;
  /** Vanishes (RST). */
  reset(): void;
}

/** Opens a TCP connection; rejects when nobody listens. */
export function openTcp(port: number, host = '127.0.0.1'): Promise<ByteConnection> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host, noDelay: true });
    const connection: ByteConnection = {
      onData: () => {},
      onClose: () => {},
      write: (bytes) => void (socket.writable && socket.write(bytes)),
      end: () => void socket.end(),
      reset: () => void socket.resetAndDestroy(),
    };
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // A reset by the peer is how Postgres ends a broken conversation: it shows as `close` like any other end.
      socket.on('error', () => {});
      socket.on('data', (bytes) => connection.onData(bytes));
      socket.on('close', () => connection.onClose());
      resolve(connection);
    });
  });
}
