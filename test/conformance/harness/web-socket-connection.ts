/** A WebSocket to the gateway that cuts its bytes into frames at random places: message boundaries mean nothing on it. */
import { WebSocket } from 'ws';
import type { Random } from '../property/random.ts';
import type { ByteConnection } from './byte-connection.ts';

/** Long writes are cut into fewer, larger pieces, so that a megabyte does not become a million frames. */
const MAX_PIECES = 40;

export function openCutWebSocket(port: number, random: Random): Promise<ByteConnection> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v2`, { perMessageDeflate: false });
    socket.binaryType = 'nodebuffer';
    const connection: ByteConnection = {
      onData: () => {},
      onClose: () => {},
      write(bytes) {
        if (socket.readyState !== WebSocket.OPEN) return;
        const longest = Math.max(12, Math.ceil((2 * bytes.length) / MAX_PIECES));
        let from = 0;
        do {
          const to = random.chance(0.2) ? bytes.length : Math.min(bytes.length, from + 1 + random.below(longest));
          const isLast = to === bytes.length;
          // An unfinished frame is continued by the next; the last one always finishes.
          socket.send(bytes.subarray(from, to), { binary: true, fin: isLast || random.chance(0.7) });
          if (random.chance(0.05)) socket.ping();
          from = to;
        } while (from < bytes.length);
      },
      end: () => socket.close(),
      reset: () => socket.terminate(),
    };
    socket.once('error', reject);
    socket.once('open', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(connection);
    });
    socket.on('message', (received: Buffer) => connection.onData(received));
    socket.on('close', () => connection.onClose());
  });
}
