/** The text forms of bytea: hex (`\xdeadbeef`) and, with `bytea_output = escape`, `a\000b\\c` (manual, section 8.4). */
import { ProtocolError } from '../protocol-error.ts';
import { sqlState } from '../sql-state.ts';

/** Reads what Postgres writes, in either form. Throws ProtocolError (22P02) for anything else. */
export function decodeBytea(text: string): Uint8Array {
  return text.startsWith('\\x') ? decodeHex(text) : decodeEscaped(text);
}

/** The hex form. */
export function encodeBytea(bytes: Uint8Array): string {
  let text = '\\x';
  for (const byte of bytes) text += hexDigits[byte >> 4]! + hexDigits[byte & 15]!;
  return text;
}

const hexDigits = '0123456789abcdef';

function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw malformed('an odd number of hex digits');
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (hexValue(text.charCodeAt(2 * at + 2)) << 4) | hexValue(text.charCodeAt(2 * at + 3));
  }
  return bytes;
}

function hexValue(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x57;
  throw malformed('not a hex digit');
}

function decodeEscaped(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e) throw malformed('a byte that should have been escaped');
    if (unit !== 0x5c) bytes[length++] = unit;
    else if (text.charCodeAt(at + 1) === 0x5c) {
      bytes[length++] = 0x5c;
      at++;
    } else {
      const octal = /^[0-3][0-7]{2}$/.exec(text.slice(at + 1, at + 4));
      if (octal === null) throw malformed('a backslash needs another one or three octal digits behind it');
      bytes[length++] = Number.parseInt(octal[0], 8);
      at += 3;
    }
  }
  return bytes.slice(0, length);
}

function malformed(problem: string): ProtocolError {
  return new ProtocolError(`malformed bytea: ${problem}`, { code: sqlState.invalidTextRepresentation });
}
