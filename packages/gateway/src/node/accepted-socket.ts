/**
 * Accepted sockets, read into one shared buffer. `net.Socket` reads into memory that it is given (`onread`) only for sockets
 * it has opened itself; so an accepted socket's handle is given to a new Socket (reference/performance.md §2: an eighth to a
 * fifth of the relay's CPU time, and no allocation per read). Where Node does not let us, the socket is read as usual.
 */
import { Socket } from 'node:net';
import { FrontViews } from '@postern/pool';
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

export function createSocketAcceptor(): SocketAcceptor {
  // No Buffer: slice() must copy.
  const readInPlace = createPlaceToRead(new Uint8Array(readBufferBytes));
  return {
    accept(accepted, options) {
      let stream: SocketStream | undefined;
      const socket = readInPlace(accepted, (bytes) => {
        stream?.receive(bytes);
        return true;
      });
      stream = createSocketStream(socket ?? accepted, { ...options, isReadByHand: socket !== undefined });
      if (socket === undefined) accepted.resume();
      return { socket: socket ?? accepted, stream };
    },
  };
}

/**
 * Takes over an accepted, plain socket of which nobody else reads any more, and gives the one to use from then on, or
 * undefined where Node does not let us. `receive` gets what is read, valid during the call only; false: stop reading for
 * now. The socket emits no 'data' of its own; who pushes bytes into it gets them there.
 */
export type ReadInPlace<Bytes extends Uint8Array = Uint8Array> = (
  accepted: Socket,
  receive: (bytes: Bytes) => boolean,
  options?: { readonly isCounted?: boolean },
) => Socket | undefined;

/** What one read may bring. */
export const readBufferBytes = 65_536;

/** The part of Node's socket handle that tells whether it can read into given memory. */
interface ReadingHandle {
  useUserBuffer?: unknown;
}

/** A net.Socket below its declarations: the handle, the constructor's option for one, and the server that counts it. */
interface SocketBelow {
  _handle: ReadingHandle | null;
  _server?: unknown;
  server?: unknown;
}

/** All sockets that are taken over by it read into `memory`, each time from its front. */
export function createPlaceToRead<Bytes extends Uint8Array>(memory: Bytes): ReadInPlace<Bytes> {
  const place = new FrontViews(memory);

  return (accepted, receive, { isCounted = false } = {}) => {
    const below = accepted as unknown as SocketBelow; // undocumented, so looked at before it is used
    const handle = below._handle;
    if (typeof handle?.useUserBuffer !== 'function' || 'encrypted' in accepted || accepted.destroyed) return undefined;
    // Unfinished writes and bytes already read belong to the old Socket.
    if (accepted.writableLength > 0 || accepted.readableLength > 0) return undefined;
    below._handle = null;
    const socket = new Socket({
      handle,
      onread: {
        buffer: memory,
        callback: (length: number) => receive(place.first(length)),
      },
    } as ConstructorParameters<typeof Socket>[0]); // `handle` is missing in the declarations
    const taken = socket as unknown as SocketBelow;
    if (taken._handle !== handle) {
      below._handle = handle;
      return undefined;
    }
    // Its server counts the old one as closed, unless the new one takes its place.
    if (isCounted) {
      taken._server = below._server;
      taken.server = below.server;
      below._server = null;
    }
    accepted.destroy();
    return socket;
  };
}
