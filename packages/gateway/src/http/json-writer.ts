// JSON as bytes, without a string in between: the text Postgres sends is UTF-8 already, so a value is copied once, four
// bytes at a time where that is known to be safe, and only quotes, backslashes and control characters change on the way.
// Which bytes a value consists of is not decided here (result-writer.ts, parsed-values.ts).

import { GatewayError } from '@postern/contract';
import { FrontViews } from '@postern/pool';
import { responseTooLarge } from './request-errors.ts';

export interface JsonWriterOptions {
  /** Most bytes the document may have; `response_too_large` beyond. */
  readonly maxBytes: number;
  /** First size of the buffer; it quadruples as needed. */
  readonly initialBytes?: number;
}

/** A growing document. Every method throws a GatewayError when the document would exceed its limit. */
export interface JsonWriter {
  /** Bytes written so far. */
  readonly length: number;
  /** One byte, as it is. */
  byte(byte: number): void;
  /** A piece of JSON that is written again and again. */
  fragment(fragment: Fragment): void;
  /** What comes next is copied from these bytes mostly: worth some preparation when it is many values. */
  readFrom(bytes: Uint8Array): void;
  /** Bytes that are JSON already. */
  raw(bytes: Uint8Array, start?: number, end?: number): void;
  /** A whole number in decimal. */
  integer(value: number): void;
  /** UTF-8 bytes as a JSON string, quotes included. Throws `invalid_encoding` for bytes that are not UTF-8. */
  string(bytes: Uint8Array, start: number, end: number): void;
  /** UTF-8 bytes that are JSON already, such as a json column; checked to be UTF-8. */
  rawText(bytes: Uint8Array, start: number, end: number): void;
  /** The document: borrowed until the writer is reset, unless it is given away. */
  written(): Uint8Array;
  /** The memory of the document is no longer the writer's, which must be reset before it is used again. */
  giveAway(): void;
  /** Both: the document, in memory that is the caller's alone. */
  finish(): Uint8Array;
  /** Begins a new document, in the same memory if that has no more than `maxKeptBytes`; default: the first size. */
  reset(maxKeptBytes?: number): void;
}

/** Text made ready to be written: its bytes as little-endian words, the last one filled up. */
export interface Fragment {
  readonly words: Int32Array;
  /** In bytes. */
  readonly length: number;
}

const utf8 = new TextEncoder();

export function createFragment(content: Uint8Array | string): Fragment {
  const bytes = typeof content === 'string' ? utf8.encode(content) : content;
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  const words = new Int32Array(padded.length / 4).map((_, index) => view.getInt32(index * 4, true));
  return { words, length: bytes.length };
}

export const nullFragment: Fragment = createFragment('null');

export function createJsonWriter(options: JsonWriterOptions): JsonWriter {
  return new GrowingJsonWriter(options);
}

const verbatim = 0;
const unicodeEscape = 1;
const multiByte = 2;

/** What to do with a byte inside a string: one of the three above, or the letter behind the backslash. */
const actions = new Uint8Array(256);
actions.fill(unicodeEscape, 0, 0x20);
actions.fill(multiByte, 0x80);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
] as const) {
  actions[byte] = letter.charCodeAt(0);
}

const quote = 0x22;
const backslash = 0x5c;
const hexDigits = utf8.encode('0123456789abcdef');
/** Longest form of one byte of a string: \u001f. */
const maxEscapeBytes = 6;

/** A word may be written whose last bytes are not meant. */
const slackBytes = 4;
/** By how many bytes of a word count: those, and spaces in place of the others. */
const countedBytes = new Int32Array([0, 0xff, 0xffff, 0xffffff]);
const spaces = new Int32Array([0x20202020, 0x20202000, 0x20200000, 0x20000000]);
const noBytes = new Uint8Array(0);

/**
 * Whether none of the four bytes changes in a string: each below 0x80, none below 0x20, no quote, no backslash. Subtracting
 * sets the highest bit of a byte that is smaller; one borrowed from is in doubt, but then the one before has it set, too.
 */
function areVerbatim(word: number): boolean {
  const marks = word | (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101);
  return (marks & 0x80808080) === 0;
}

// A class for its hidden class: this is the hottest code of the route.
class GrowingJsonWriter implements JsonWriter {
  length = 0;
  private buffer: Uint8Array;
  /** Of the buffer. */
  private view: DataView;
  private views: FrontViews;
  private source: Uint8Array = noBytes;
  private sourceView: DataView | undefined;
  private isGivenAway = false;
  private readonly firstBytes: number;
  private readonly maxBytes: number;

  constructor({ maxBytes, initialBytes = 1024 }: JsonWriterOptions) {
    this.maxBytes = maxBytes;
    this.firstBytes = Math.min(initialBytes, maxBytes);
    this.buffer = newBuffer(this.firstBytes);
    this.view = new DataView(this.buffer.buffer);
    this.views = new FrontViews(this.buffer);
  }

  byte(byte: number): void {
    this.reserve(1);
    this.buffer[this.length++] = byte;
  }

  fragment({ words, length }: Fragment): void {
    this.reserve(length);
    const { view } = this;
    let to = this.length;
    for (let index = 0; index < words.length; index++, to += 4) view.setInt32(to, words[index]!, true);
    this.length += length;
  }

  readFrom(bytes: Uint8Array): void {
    if (bytes === this.source) return;
    this.source = bytes;
    this.sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** To read words of `bytes` with, the last of them beginning at `end` at most; undefined: byte by byte. */
  private viewOf(bytes: Uint8Array, end: number): DataView | undefined {
    return bytes === this.source && end + 4 <= bytes.length ? this.sourceView : undefined;
  }

  raw(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const count = end - start;
    this.reserve(count);
    // A loop beats `set` for the few bytes this is mostly called with.
    if (count > 48) {
      this.buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.length);
      this.length += count;
      return;
    }
    const { buffer, view } = this;
    const source = this.viewOf(bytes, end);
    let to = this.length;
    if (source === undefined) for (let from = start; from < end; from++) buffer[to++] = bytes[from]!;
    else for (let from = start; from < end; from += 4, to += 4) view.setInt32(to, source.getInt32(from, true), true);
    this.length += count;
  }

  integer(value: number): void {
    const text = String(value);
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  string(bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start + 2);
    let { buffer } = this;
    let to = this.length;
    buffer[to++] = quote;
    const copied = this.copyVerbatim(bytes, start, end, to);
    let from = start + copied;
    to += copied;
    while (from < end) {
      const byte = bytes[from]!;
      const action = actions[byte]!;
      if (action === verbatim) {
        buffer[to++] = byte;
        from++;
      } else if (action === multiByte) {
        const behind = from + utf8SequenceLength(bytes, from, end);
        while (from < behind) buffer[to++] = bytes[from++]!;
      } else {
        // The first reservation counted one byte for each: make room for the longest form of this one.
        this.length = to;
        this.reserve(end - from + 1 + maxEscapeBytes);
        buffer = this.buffer;
        buffer[to++] = backslash;
        if (action === unicodeEscape) {
          buffer[to++] = 0x75; // u
          buffer[to++] = 0x30;
          buffer[to++] = 0x30;
          buffer[to++] = hexDigits[byte >> 4]!;
          buffer[to++] = hexDigits[byte & 15]!;
        } else {
          buffer[to++] = action;
        }
        from++;
      }
    }
    buffer[to++] = quote;
    this.length = to;
  }

  /** Copies from the start of `bytes[start, end)` to `to`, where there is room for it; returns how many bytes. */
  private copyVerbatim(bytes: Uint8Array, start: number, end: number, to: number): number {
    const source = this.viewOf(bytes, end);
    if (source === undefined) return 0;
    const { view } = this;
    const offset = to - start;
    let from = start;
    for (; from + 4 <= end; from += 4) {
      const word = source.getInt32(from, true);
      if (!areVerbatim(word)) return from - start;
      view.setInt32(from + offset, word, true);
    }
    const rest = end - from;
    const word = source.getInt32(from, true);
    if (!areVerbatim((word & countedBytes[rest]!) | spaces[rest]!)) return from - start;
    view.setInt32(from + offset, word, true);
    return end - start;
  }

  rawText(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) at += bytes[at]! < 0x80 ? 1 : utf8SequenceLength(bytes, at, end);
    this.raw(bytes, start, end);
  }

  written(): Uint8Array {
    this.checkLength();
    return this.views.first(this.length);
  }

  giveAway(): void {
    this.isGivenAway = true;
  }

  finish(): Uint8Array {
    this.giveAway();
    return this.written();
  }

  reset(maxKeptBytes: number = this.firstBytes): void {
    if (this.isGivenAway || this.buffer.length - slackBytes > maxKeptBytes) this.use(newBuffer(this.firstBytes));
    this.source = noBytes;
    this.sourceView = undefined;
    this.isGivenAway = false;
    this.length = 0;
  }

  /** Reserving for escapes may pass the limit by a few bytes that were not needed; what counts is what was written. */
  private checkLength(): void {
    if (this.length > this.maxBytes) throw responseTooLarge(this.maxBytes);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed + slackBytes <= this.buffer.length) return;
    if (needed > this.maxBytes + maxEscapeBytes) throw responseTooLarge(this.maxBytes);
    const grown = newBuffer(Math.min(Math.max(this.buffer.length * 4, needed), this.maxBytes + maxEscapeBytes));
    grown.set(this.buffer.subarray(0, this.length));
    this.use(grown);
  }

  private use(buffer: Uint8Array): void {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer);
    this.views = new FrontViews(buffer);
  }
}

function newBuffer(bytes: number): Uint8Array {
  return new Uint8Array(bytes + slackBytes);
}

/** Length of the well-formed sequence at `at` (Unicode 16, table 3-7: no overlong forms, no surrogates). */
function utf8SequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  const second = at + 1 < end ? bytes[at + 1]! : 0;
  if (first >= 0xc2 && first <= 0xdf && isContinuation(second)) return 2;
  const third = at + 2 < end ? bytes[at + 2]! : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const isSecondRight =
      first === 0xe0
        ? second >= 0xa0 && second <= 0xbf
        : first === 0xed
          ? second >= 0x80 && second <= 0x9f
          : isContinuation(second);
    if (isSecondRight && isContinuation(third)) return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const isSecondRight =
      first === 0xf0
        ? second >= 0x90 && second <= 0xbf
        : first === 0xf4
          ? second >= 0x80 && second <= 0x8f
          : isContinuation(second);
    if (isSecondRight && isContinuation(third) && at + 3 < end && isContinuation(bytes[at + 3]!)) return 4;
  }
  throw new GatewayError('invalid_encoding', 'a value of the result is not valid UTF-8');
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
