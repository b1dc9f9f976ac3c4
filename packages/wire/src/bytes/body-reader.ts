/**
 * Reads a message body from front to back. Every read checks that the bytes are there; what is not as the manual says
 * throws a ProtocolError naming the message, never its content.
 */
import { ProtocolError } from '../protocol-error.ts';
import { decodeText } from './text.ts';

export class BodyReader {
  readonly #body: Uint8Array;
  readonly #message: string;
  #at = 0;

  /** `message` is the name of the message, for errors. */
  constructor(body: Uint8Array, message: string) {
    this.#body = body;
    this.#message = message;
  }

  get remaining(): number {
    return this.#body.length - this.#at;
  }

  byte(): number {
    return this.#body[this.#take(1)]!;
  }

  uint16(): number {
    const at = this.#take(2);
    return (this.#body[at]! << 8) | this.#body[at + 1]!;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    const body = this.#body;
    const at = this.#take(4);
    return (body[at]! << 24) | (body[at + 1]! << 16) | (body[at + 2]! << 8) | body[at + 3]!;
  }

  /** An OID. */
  uint32(): number {
    return this.int32() >>> 0;
  }

  cString(): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0) this.fail('a text has no terminator');
    const text = decodeText(this.#body.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  /** The next `length` bytes; a view into the body, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#body.subarray(at, at + length);
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A value with its Int32 length in front; null for length -1. A view, not a copy. */
  value(): Uint8Array | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) this.fail(`a value has the length ${length}`);
    return this.bytes(length);
  }

  /** An Int16 count and that many values. */
  values(): (Uint8Array | null)[] {
    const count = this.#count(4);
    const values: (Uint8Array | null)[] = [];
    for (let index = 0; index < count; index++) values.push(this.value());
    return values;
  }

  /** An Int16 count and that many Int16s. */
  int16s(): number[] {
    const count = this.#count(2);
    const values: number[] = [];
    for (let index = 0; index < count; index++) values.push(this.int16());
    return values;
  }

  /** An Int16 count and that many OIDs. */
  uint32s(): number[] {
    const count = this.#count(4);
    const values: number[] = [];
    for (let index = 0; index < count; index++) values.push(this.uint32());
    return values;
  }

  /** Must be called last: bytes nobody read mean that the two sides understand the message differently. */
  end(): void {
    if (this.remaining > 0) this.fail(`${this.remaining} bytes too many`);
  }

  fail(problem: string): never {
    throw new ProtocolError(`malformed ${this.#message} message: ${problem}`);
  }

  /** A count, rejected before anything is made for items the body has no room for. */
  #count(itemBytes: number): number {
    const count = this.uint16();
    if (count * itemBytes > this.remaining) this.fail(`${count} items announced, ${this.remaining} bytes left`);
    return count;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#body.length - at) this.fail(`ends ${length - (this.#body.length - at)} bytes too early`);
    this.#at = at + length;
    return at;
  }
}
