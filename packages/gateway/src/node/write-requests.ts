/**
 * Writes to a plain socket's handle, without the machinery of node:stream around it: what the kernel takes at once, which is
 * nearly everything, then costs no objects and no turn of the tick queue. `net.Socket` does the same below; the request
 * object it needs is Node's own, learned from a Socket. Where that fails, sockets are written to as usual.
 */
import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** What the kernel will finish later. `oncomplete` is called with 0 or a negative error number. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Keeps the memory alive. */
  buffer?: unknown;
}

/** The part of Node's socket handle that is used here. */
interface WritingHandle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writev(request: WriteRequest, parts: readonly Uint8Array[], areAllBytes: true): number;
  readonly writeQueueSize: number;
}

/** Who writes. */
export interface WriteOwner {
  /** The kernel has taken what `write` said it could not. Not called when the socket breaks. */
  directlyWritten(): void;
}

/** Shared by many sockets: a request that was not needed is used for the next write. */
export interface WriteRequests {
  /**
   * Writes `bytes`, behind `head` if there is one. False: the kernel could not take everything, and the memory is in use
   * until the owner is told; it writes nothing more this way until then. Undefined: the socket must be written to as usual.
   */
  write(socket: Socket, head: Uint8Array | undefined, bytes: Uint8Array, owner: WriteOwner): boolean | undefined;
}

/** Undefined where this Node does not let us. */
export function createWriteRequests(): WriteRequests | undefined {
  const Request = learnRequest();
  if (Request === undefined) return undefined;
  let spare = new Request();
  return {
    write(socket, head, bytes, owner) {
      const { _handle: handle } = socket as unknown as { readonly _handle: WritingHandle | null }; // undocumented
      // What waits in the Socket goes first; without a handle the Socket knows what to say.
      if (handle === null || handle === undefined || socket.writableLength > 0) return undefined;
      const error = head === undefined ? handle.writeBuffer(spare, bytes) : handle.writev(spare, [head, bytes], true);
      if (error !== 0) {
        const code = getSystemErrorName(error);
        socket.destroy(Object.assign(new Error(`write ${code}`), { code, errno: error, syscall: 'write' }));
        return true;
      }
      if (handle.writeQueueSize === 0) return true;
      const request = spare;
      spare = new Request();
      request.buffer = head === undefined ? bytes : [head, bytes];
      request.oncomplete = (status): void => {
        request.buffer = undefined;
        if (status === 0) owner.directlyWritten();
        else if (!socket.destroyed) socket.destroy(new Error(`write ${getSystemErrorName(status)}`));
      };
      return false;
    },
  };
}

/** The class of the requests that a Socket gives its handle. */
function learnRequest(): (new () => WriteRequest) | undefined {
  let learned: (new () => WriteRequest) | undefined;
  // A handle that is none, and closes at once.
  const handle = {
    writeBuffer(request: WriteRequest): number {
      learned = request.constructor as new () => WriteRequest; // an instance of it has just been made
      return 0;
    },
    readStart: () => 0,
    readStop: () => 0,
    close: (done?: () => void) => done?.(),
  };
  try {
    const socket = new Socket({ handle, writable: true, readable: false, manualStart: true } as ConstructorParameters<
      typeof Socket
    >[0]); // `handle` is missing in the declarations
    socket.on('error', () => {});
    socket.write(Buffer.of(0));
    socket.destroy();
  } catch {
    return undefined;
  }
  return learned?.name === 'WriteWrap' ? learned : undefined;
}
