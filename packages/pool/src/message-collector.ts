/** Puts messages together from the runs that an errand receives. For the engine's own small results only. */
import { ByteBuffer } from './byte-buffer.ts';

export class MessageCollector {
  private readonly buffer = new ByteBuffer();
  private readonly onMessage: (code: number, body: Uint8Array) => void;

  constructor(onMessage: (code: number, body: Uint8Array) => void) {
    this.onMessage = onMessage;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    const { buffer } = this;
    buffer.append(bytes, start, end);
    while (buffer.length >= 5) {
      const at = buffer.start;
      const view = buffer.bytes;
      const length = ((view[at + 1]! << 24) | (view[at + 2]! << 16) | (view[at + 3]! << 8) | view[at + 4]!) >>> 0;
      if (buffer.length < length + 1) return;
      this.onMessage(view[at]!, view.subarray(at + 5, at + length + 1));
      buffer.consume(length + 1);
    }
  }
}
