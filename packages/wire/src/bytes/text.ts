/**
 * Text on the wire, as UTF-8, without losing anything: a byte that is not UTF-8 (a session with client_encoding
 * LATIN1, say) becomes the lone surrogate U+DC80…U+DCFF, and such a surrogate becomes that byte again. So two different
 * byte strings never decode to the same text, which statement names and statement texts used as keys rely on.
 * (The same trick as Python's "surrogateescape".) All other lone surrogates are written as U+FFFD.
 */

const encoder = new TextEncoder();
// ignoreBOM: a leading U+FEFF is part of the value, not a mark to strip.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to these lengths a loop in JavaScript beats the call into the runtime (measured in Node 20). */
const shortWriteLength = 16;
const shortReadLength = 8;

const beyondAscii = /[\u0080-\uffff]/;

/** With the u flag a surrogate pair is one code point, so this finds lone ones only. */
const escapedByte = /[\uDC80-\uDCFF]/u;

/** How many bytes `writeText` will write. */
export function textByteLength(text: string): number {
  if (text.length > shortWriteLength && !beyondAscii.test(text)) return text.length;
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (unit < 0xd800 || unit > 0xdfff) length += 2;
    else if (unit < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
      length += 2; // a pair: two units, four bytes
      at++;
    } else if (!isEscapedByte(unit)) length += 2;
  }
  return length;
}

/** Writes `text` at `at` and returns the position behind it. `bytes` must have room for `textByteLength(text)`. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  if (text.length <= shortWriteLength) {
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) break;
      bytes[at + index] = unit;
    }
    if (index === text.length) return at + index;
  }
  const { read, written } = encoder.encodeInto(text, bytes.subarray(at));
  const isAscii = read === text.length && written === text.length;
  if (isAscii || !escapedByte.test(text)) return at + written;
  return writeEscapedText(bytes, at, text);
}

function writeEscapedText(bytes: Uint8Array, at: number, text: string): number {
  let next = at;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) index++;
    else if (isEscapedByte(unit)) {
      next += encoder.encodeInto(text.slice(start, index), bytes.subarray(next)).written;
      bytes[next++] = unit - 0xdc00;
      start = index + 1;
    }
  }
  return next + encoder.encodeInto(text.slice(start), bytes.subarray(next)).written;
}

/** A new array holding `text`. */
export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(textByteLength(text));
  writeText(bytes, 0, text);
  return bytes;
}

/** The text in `bytes`, never throwing; see the top of the file for bytes that are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length <= shortReadLength) {
    let text = '';
    let at = 0;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === bytes.length) return text;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeTextEscaping(bytes);
  }
}

function isEscapedByte(unit: number): boolean {
  return unit >= 0xdc80 && unit <= 0xdcff;
}

function decodeTextEscaping(bytes: Uint8Array): string {
  let text = '';
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += decoder.decode(bytes.subarray(start, at)) + String.fromCharCode(0xdc00 + bytes[at]!);
    at++;
    start = at;
  }
  return text + decoder.decode(bytes.subarray(start));
}

/** Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (Unicode standard, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): 0 | 1 | 2 | 3 | 4 {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  if (first < 0xc2 || first > 0xf4 || !isContinuation(second)) return 0;
  if (first < 0xe0) return 2;
  if (!isContinuation(bytes[at + 2] ?? 0)) return 0;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first < 0xf0) return 3;
  if (!isContinuation(bytes[at + 3] ?? 0)) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
