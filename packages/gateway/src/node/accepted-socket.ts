/**
 * Accepted sockets, read into one shared buffer. `net.Socket` reads into memory that it is given (`onread`) only for sockets
 * it has opened itself; so an accepted socket's handle is given to a new Socket (reference/performance.md §2: an eighth to a
 * fifth of the relay's CPU time, and no allocation per read). Where Node does not let us, the socket is read as usual.
 */
import { Socket } from 'node:net';
import { createSocketStream, type SocketStream, type SocketStreamOptions } from './socket-stream.ts';

/** A stream over an accepted socket, and the socket below it: from here on the only one to use. */
export interface AcceptedSocket {
  readonly socket: Socket;
  readonly stream: SocketStream;
}

export interface SocketAcceptor {
  /** Takes over a socket of which nobody else reads any more. */
  accept(socket: Socket, options: Omit<SocketStreamOptions, 'isReadByHand'>): AcceptedSocket;
}

/** What one read may bring. */
const readBufferBytes = 65_536;

/** The part of Node's socket handle that tells whether it can read into given memory. */
interface ReadingHandle {
  useUserBuffer?: unknown;
}

/** A net.Socket below its declarations: the handle, and the constructor's option for one. */
interface SocketWithHandle {
  _handle: ReadingHandle | null;
}

export function createSocketAcceptor(): SocketAcceptor {
  // Valid during the callback only: each read, of whichever socket, begins at its front. No Buffer: slice() must copy.
  const memory = new Uint8Array(readBufferBytes);

  function takeHandle(accepted: Socket, receive: (bytes: Uint8Array) => void): Socket | undefined {
    const withHandle = accepted as unknown as SocketWithHandle; // undocumented, so looked at before it is used
    const handle = withHandle._handle;
    if (typeof handle?.useUserBuffer !== 'function' || 'encrypted' in accepted || accepted.destroyed) return undefined;
    // Unfinished writes and bytes already read belong to the old Socket.
    if (accepted.writableLength > 0 || accepted.readableLength > 0) return undefined;
    withHandle._handle = null;
    const socket = new Socket({
      handle,
      onread: {
        buffer: memory,
        callback(count: number) {
          receive(count === memory.length ? memory : memory.subarray(0, count));
          return true;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]); // `handle` is missing in the declarations
    if ((socket as unknown as SocketWithHandle)._handle !== handle) {
      withHandle._handle = handle;
      return undefined;
    }
    // Its server counts it as closed from now on.
    accepted.destroy();
    return socket;
  }

  return {
    accept(accepted, options) {
      let stream: SocketStream | undefined;
      const socket = takeHandle(accepted, (bytes) => void stream?.receive(bytes));
      stream = createSocketStream(socket ?? accepted, { ...options, isReadByHand: socket !== undefined });
      if (socket === undefined) accepted.resume();
      return { socket: socket ?? accepted, stream };
    },
  };
}
