import { connect, type Socket } from 'node:net';
import type { ByteStream } from '@postern/pool';

/** A TCP socket as a ByteStream, the plain way: for clients of tests, not for speed. Unlike the gateway's it copies everything. */
export function streamFromSocket(socket: Socket): ByteStream {
  let failure: Error | undefined;
  const stream: ByteStream = {
    onData: undefined,
    onDrain: undefined,
    onClose: undefined,
    security: 'loopback',
    get bufferedBytes() {
      return socket.writableLength;
    },
    write(bytes) {
      if (socket.writable) socket.write(bytes.slice());
      return true;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
  socket.on('data', (chunk) => stream.onData?.(chunk));
  socket.on('drain', () => stream.onDrain?.());
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => stream.onClose?.(failure));
  return stream;
}

/** Connects to a TCP port; rejects as `net.connect` does. */
export function connectStream(host: string, port: number): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(streamFromSocket(socket));
    });
  });
}
