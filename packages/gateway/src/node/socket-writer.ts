/**
 * Writing to a socket. What can leave within the call goes past the queue of node:stream, straight to the socket's own
 * `_write`: the queue costs a twentieth of a relayed query, and has nothing to do while the kernel keeps up.
 */
import type { Socket } from 'node:net';

export class SocketWriter {
  /** Everything has been taken after all. Never called within a write. */
  onDrain: (() => void) | undefined = undefined;
  protected readonly socket: Socket;
  readonly isTls: boolean;
  /** Not everything has been taken by the kernel, or that has not been noticed yet. */
  private isBehind: boolean;
  /** Written past the queue, and not yet taken. */
  private directBytes = 0;
  private readonly onWritten: (error?: Error | null) => void;

  constructor(socket: Socket) {
    this.socket = socket;
    this.isTls = 'encrypted' in socket;
    this.isBehind = socket.writableLength > 0;
    this.onWritten = (error): void => {
      this.directBytes = 0;
      if (error) this.socket.destroy(error);
      else this.written();
    };
  }

  /** Bytes that the kernel has not taken. */
  get bufferedBytes(): number {
    // Mostly 0, without a look at the stream's state: of ten thousand sockets it is in nobody's cache.
    return this.isBehind ? this.socket.writableLength + this.directBytes : 0;
  }

  /** True: the memory of `bytes` is not needed any more. False: it is, until `onDrain`. */
  send(bytes: Uint8Array): boolean {
    if (this.isTls || this.isBehind) {
      const isQueueEmpty = this.bufferedBytes === 0;
      this.socket.write(bytes, this.onWritten);
      return this.isFree(isQueueEmpty);
    }
    this.directBytes = bytes.length;
    this.socket._write(bytes, 'buffer' as BufferEncoding, this.onWritten);
    this.isBehind = this.directBytes > 0;
    return !this.isBehind;
  }

  /** Both in one go; true or false of both. */
  sendBoth(head: Uint8Array, bytes: Uint8Array): boolean {
    const { socket } = this;
    const isQueueEmpty = this.bufferedBytes === 0;
    socket.cork();
    socket.write(head);
    socket.write(bytes, this.onWritten);
    socket.uncork();
    return this.isFree(isQueueEmpty);
  }

  private isFree(wasQueueEmpty: boolean): boolean {
    // Plain: the kernel took everything within the call. TLS: an idle TLSWrap encrypts or copies within the call,
    // though its completion comes later; behind unfinished writes Node queues the very memory.
    if (this.socket.writableLength + this.directBytes === 0) return true;
    this.isBehind = true;
    return this.isTls && wasQueueEmpty;
  }

  private written(): void {
    // Of a socket that broke Node says that all was written, too.
    if (!this.isBehind || this.bufferedBytes > 0 || this.socket.destroyed) return;
    this.isBehind = false;
    this.onDrain?.();
  }
}
