// The text of one Postgres value → JSON, by its format (value-format.ts). Bytes to bytes, no strings in between.

import { GatewayError } from '@postern/contract';
import { createFragment, type JsonWriter, nullFragment } from './json-writer.ts';
import type { ValueFormat } from './value-format.ts';

const trueText = createFragment('true');
const falseText = createFragment('false');
const pointZero = createFragment('.0');

/** Writes `bytes[start, end)`, the text output of a value that is not NULL. */
export function writeValue(
  writer: JsonWriter,
  format: ValueFormat,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  switch (format.kind) {
    case 'string':
      writer.string(bytes, start, end);
      break;
    case 'boolean':
      writer.fragment(bytes[start] === 0x74 /* t */ ? trueText : falseText);
      break;
    case 'integer':
      writer.raw(bytes, start, end);
      break;
    case 'float':
      writeFloat(writer, bytes, start, end);
      break;
    case 'json':
      writer.rawText(bytes, start, end);
      break;
    case 'array':
      writeArray(writer, format, bytes, start, end);
      break;
  }
}

/** `1` → `1.0` as Neon has it; NaN, Infinity and -Infinity become strings, JSON has no such numbers. */
function writeFloat(writer: JsonWriter, bytes: Uint8Array, start: number, end: number): void {
  const firstDigit = bytes[start] === 0x2d /* - */ ? start + 1 : start;
  const first = bytes[firstDigit]!;
  if (first < 0x30 || first > 0x39) {
    writer.string(bytes, start, end);
    return;
  }
  let isWhole = true;
  for (let at = firstDigit; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) isWhole = false;
  writer.raw(bytes, start, end);
  if (isWhole) writer.fragment(pointZero);
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const quote = 0x22;
const backslash = 0x5c;

/** Postgres' array output (manual, "Array Input and Output Syntax"); lower bounds (`[2:3]=`) are dropped. */
function writeArray(
  writer: JsonWriter,
  format: Extract<ValueFormat, { kind: 'array' }>,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  let at = bytes[start] === 0x5b /* [ */ ? bytes.indexOf(0x3d /* = */, start) + 1 : start;
  let depth = 0;
  do {
    const byte = at < end ? bytes[at]! : 0;
    if (byte === openBrace) {
      depth++;
      at++;
      writer.byte(0x5b); // [
    } else if (depth === 0 || at >= end) {
      // Not something array_out writes. Nothing sensible can be made of it, and broken JSON helps nobody.
      throw new GatewayError('protocol_violation', 'could not parse postgres response: malformed array');
    } else if (byte === closeBrace) {
      depth--;
      at++;
      writer.byte(0x5d); // ]
    } else if (byte === format.delimiter) {
      at++;
      writer.byte(0x2c); // ,
    } else {
      at =
        byte === quote
          ? writeQuoted(writer, format.element, bytes, at, end)
          : writePlain(writer, format, bytes, at, end);
    }
  } while (depth > 0);
}

/** An element in quotes; returns where it ends. */
function writeQuoted(writer: JsonWriter, element: ValueFormat, bytes: Uint8Array, start: number, end: number): number {
  let hasEscapes = false;
  let at = start + 1;
  for (; at < end && bytes[at] !== quote; at++) {
    if (bytes[at] === backslash) {
      hasEscapes = true;
      at++;
    }
  }
  if (!hasEscapes) {
    writeValue(writer, element, bytes, start + 1, Math.min(at, end));
    return at + 1;
  }
  const unescaped = new Uint8Array(at - start);
  let length = 0;
  for (let from = start + 1; from < at; from++) {
    if (bytes[from] === backslash) from++;
    unescaped[length++] = bytes[from]!;
  }
  writeValue(writer, element, unescaped, 0, length);
  return at + 1;
}

/** An element without quotes, or NULL; returns where it ends. */
function writePlain(
  writer: JsonWriter,
  format: Extract<ValueFormat, { kind: 'array' }>,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let at = start;
  while (at < end && bytes[at] !== format.delimiter && bytes[at] !== closeBrace) at++;
  // array_out quotes texts that look like NULL.
  const isNull =
    at - start === 4 &&
    bytes[start] === 0x4e &&
    bytes[start + 1] === 0x55 &&
    bytes[start + 2] === 0x4c &&
    bytes[start + 3] === 0x4c;
  if (isNull) writer.fragment(nullFragment);
  else writeValue(writer, format.element, bytes, start, at);
  return at;
}
