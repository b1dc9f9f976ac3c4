/**
 * Cuts a stream of bytes into whole messages, for either direction, after start-up. The work is linear in the bytes
 * pushed whatever the chunks are: messages that lie whole in a chunk are handed on without a copy, others are gathered
 * in one buffer that grows with what has really arrived, never with what a length field promises.
 */
import { BackendCode } from './message-codes.ts';
import { ProtocolError } from './protocol-error.ts';
import { sqlState } from './sql-state.ts';

export interface MessageReaderOptions {
  /** Limit for the length field of a message: its body and the four bytes of the field itself. */
  readonly maxMessageBytes: number;
  /**
   * One whole message. `body` is borrowed: its memory is used again after the call. What it throws comes out of `push`,
   * and the reader has then failed.
   */
  readonly onMessage: (code: number, body: Uint8Array) => void;
  /**
   * Takes DataRow messages instead, each as `bytes[start, end)`: a view per row costs more than reading a small one.
   * Borrowed like `body`; what it throws likewise.
   */
  readonly onDataRow?: (bytes: Uint8Array, start: number, end: number) => void;
}

export interface MessageReader {
  /** Takes the next bytes; they are not kept. Throws ProtocolError, and from then on always the same one. */
  push(chunk: Uint8Array): void;
  /**
   * Ends the reader, also from within `onMessage`: what has arrived behind the last message handed on, as a copy.
   * For the moment when somebody else takes over the stream.
   */
  detach(): Uint8Array;
  /** Bytes of a message that has not arrived in full. */
  readonly bufferedBytes: number;
}

/** The reader's whole state. `chunk` and `at` are where delivery is in the bytes being pushed. */
type State =
  | { readonly name: 'idle' }
  | { readonly name: 'delivering'; readonly chunk: Uint8Array; at: number }
  | { readonly name: 'detached' }
  | { readonly name: 'failed'; readonly error: unknown };

const idle: State = { name: 'idle' };
const headerBytes = 5;
const firstBufferBytes = 1024;
/** A buffer that one huge message made larger than this is given back. */
const keptBufferBytes = 64 * 1024;
const noBytes = new Uint8Array(0);

export function createMessageReader(options: MessageReaderOptions): MessageReader {
  const { maxMessageBytes, onMessage, onDataRow } = options;
  let state: State = idle;
  let partial = noBytes;
  let partialBytes = 0;

  /** Total size of the message at `at`, checked. */
  function messageBytes(bytes: Uint8Array, at: number): number {
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    if (length < 4) throw new ProtocolError(`invalid message length: ${length} is less than 4`);
    if (length > maxMessageBytes) {
      throw new ProtocolError(`a message of ${length} bytes exceeds the limit of ${maxMessageBytes} bytes`, {
        code: sqlState.programLimitExceeded,
      });
    }
    return length + 1;
  }

  /** Moves up to `wanted - partialBytes` bytes into the buffer; returns how many. */
  function gather(chunk: Uint8Array, at: number, wanted: number): number {
    const taken = Math.min(wanted - partialBytes, chunk.length - at);
    const needed = partialBytes + taken;
    if (needed > partial.length) {
      const grown = new Uint8Array(Math.max(firstBufferBytes, needed, Math.min(partial.length * 2, wanted)));
      grown.set(partial.subarray(0, partialBytes));
      partial = grown;
    }
    partial.set(at === 0 && taken === chunk.length ? chunk : chunk.subarray(at, at + taken), partialBytes);
    partialBytes = needed;
    return taken;
  }

  function give(bytes: Uint8Array, start: number, end: number): void {
    const code = bytes[start]!;
    if (onDataRow !== undefined && code === BackendCode.DataRow) onDataRow(bytes, start + headerBytes, end);
    else onMessage(code, bytes.subarray(start + headerBytes, end));
  }

  /** Completes the buffered message if the chunk has enough of it. */
  function deliverPartial(delivery: { readonly chunk: Uint8Array; at: number }): void {
    const { chunk } = delivery;
    if (partialBytes < headerBytes) {
      delivery.at += gather(chunk, delivery.at, headerBytes);
      if (partialBytes < headerBytes) return;
    }
    const total = messageBytes(partial, 0);
    delivery.at += gather(chunk, delivery.at, total);
    if (partialBytes < total) return;
    partialBytes = 0;
    give(partial, 0, total);
    if (partial.length > keptBufferBytes) partial = noBytes;
  }

  /** Hands on the messages that lie whole in the chunk, and buffers the beginning of the next. */
  function deliver(delivery: { readonly chunk: Uint8Array; at: number }): void {
    const { chunk } = delivery;
    if (partialBytes > 0) deliverPartial(delivery);
    while (state === delivery && delivery.at < chunk.length) {
      const start = delivery.at;
      const total = chunk.length - start >= headerBytes ? messageBytes(chunk, start) : headerBytes;
      if (total > chunk.length - start || chunk.length - start < headerBytes) {
        delivery.at += gather(chunk, start, total);
        return;
      }
      delivery.at = start + total;
      give(chunk, start, start + total);
    }
  }

  return {
    push(chunk) {
      if (state.name === 'failed') throw state.error;
      if (state.name !== 'idle') throw new ProtocolError(`push on a ${state.name} message reader`, { side: 'local' });
      const delivery = { name: 'delivering', chunk, at: 0 } as const satisfies State & { at: number };
      state = delivery;
      try {
        deliver(delivery);
      } catch (error) {
        state = { name: 'failed', error };
        partial = noBytes;
        partialBytes = 0;
        throw error;
      }
      if (state === delivery) state = idle;
    },
    detach() {
      if (state.name === 'failed') throw state.error;
      const rest = state.name === 'delivering' ? state.chunk.slice(state.at) : partial.slice(0, partialBytes);
      state = { name: 'detached' };
      partial = noBytes;
      partialBytes = 0;
      return rest;
    },
    get bufferedBytes() {
      return partialBytes;
    },
  };
}
