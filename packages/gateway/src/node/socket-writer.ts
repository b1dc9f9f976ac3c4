/**
 * Writing to a socket. What can leave within the call goes past the queue of node:stream, straight to the socket's own
 * `_write`: the queue costs a sixth of a relayed query, and has nothing to do while the kernel keeps up.
 */
import type { Socket } from 'node:net';

export class SocketWriter {
  /** Everything has been taken after all. Never called within a write. */
  onDrain: (() => void) | undefined = undefined;
  protected readonly socket: Socket;
  readonly isTls: boolean;
  /** Not everything has been taken by the kernel. */
  private isBehind = false;
  /** Written past the queue, and not yet taken. */
  private directBytes = 0;
  private readonly onWritten: (error?: Error | null) => void;

  constructor(socket: Socket) {
    this.socket = socket;
    this.isTls = 'encrypted' in socket;
    this.onWritten = (error): void => {
      this.directBytes = 0;
      if (error) this.socket.destroy(error);
      else this.written();
    };
  }

  /** Bytes that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.socket.writableLength + this.directBytes;
  }

  /** True: the memory of `bytes` is not needed any more. False: it is, until `onDrain`. */
  send(bytes: Uint8Array): boolean {
    const { socket } = this;
    const isQueueEmpty = socket.writableLength === 0;
    if (this.isTls || this.isBehind || !isQueueEmpty) {
      socket.write(bytes, this.onWritten);
      return this.isFree(isQueueEmpty);
    }
    this.directBytes = bytes.length;
    socket._write(bytes, 'buffer' as BufferEncoding, this.onWritten);
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
    if (this.bufferedBytes === 0) return true;
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
