/**
 * Postgres messages as bytes: written whole, read piece by piece. A small cousin of @postern/wire, which knows more than a
 * client needs: every byte here is downloaded by somebody.
 */
import { createError } from '../postern-error.ts';

/** No bytes. */
export const empty: Uint8Array = /* @__PURE__ */ new Uint8Array(0);
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function int16(value: number): Uint8Array {
  return new Uint8Array([value >> 8, value]);
}

export function int32(value: number): Uint8Array {
  return new Uint8Array([value >> 24, value >> 16, value >> 8, value]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A message of this type ('' for the packets that open a connection); texts end with a zero byte. */
export function packet(type: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const body = concat(
    parts.map((part) => {
      if (typeof part !== 'string') return part;
      if (part.includes('\0')) throw createError('usage', 'a text cannot contain NUL');
      return encodeText(`${part}\0`);
    }),
  );
  return concat([encodeText(type), int32(body.length + 4), body]);
}

/** Reads a message body from front to back. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  int16(): number {
    return this.#view.getInt16(this.#move(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#move(4));
  }

  text(): string {
    return decodeText(this.bytes(this.#bytes.indexOf(0, this.#at) - this.#at, 1));
  }

  /** A view; `skip` bytes behind it are passed over. */
  bytes(length: number = this.#bytes.length - this.#at, skip = 0): Uint8Array {
    const at = this.#move(length + skip);
    return this.#bytes.subarray(at, at + length);
  }

  #move(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length) throw createError('protocol', 'malformed message', '08P01');
    return at;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Hands on whole messages; `body` is valid during the call only. Linear in all bytes. */
export function createDecoder(onMessage: (type: string, body: Uint8Array) => void): (chunk: Uint8Array) => void {
  /** Room for what is incomplete, and how much of it is used. */
  let rest: Uint8Array = empty;
  let length = 0;
  return (chunk) => {
    let bytes = chunk;
    if (length > 0) {
      const total = length + chunk.length;
      if (total > rest.length) rest = concat([rest.subarray(0, length), new Uint8Array(2 * total)]);
      rest.set(chunk, length);
      bytes = rest.subarray(0, total);
    }
    const view = viewOf(bytes);
    let at = 0;
    while (bytes.length - at >= 5) {
      const size = view.getUint32(at + 1) + 1;
      if (size < 5) throw createError('protocol', 'malformed message', '08P01');
      if (bytes.length - at < size) break;
      onMessage(String.fromCharCode(bytes[at]!), bytes.subarray(at + 5, at + size));
      at += size;
    }
    length = bytes.length - at;
    // What was kept already lies at the front, unless messages were taken off it.
    if (bytes === chunk || at > 0) rest = bytes.slice(at);
  };
}
