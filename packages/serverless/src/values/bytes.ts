/** Binary values: `Buffer` where the platform has it, as in the official driver, else `Uint8Array`. */

interface BufferConstructor {
  from(text: string, encoding: string): Uint8Array;
}

/** The text of a bytea: `\x…`, or the escape format. */
export function parseBytea(text: string): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: BufferConstructor };
  const isHex = text.startsWith('\\x');
  const digits = isHex ? text.slice(2) : text.replaceAll('\\\\', '\\134');
  if (isHex && Buffer) return Buffer.from(digits, 'hex');
  const binary = digits.replace(isHex ? /../g : /\\.../g, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(-3), isHex ? 16 : 8)),
  );
  return Buffer ? Buffer.from(binary, 'latin1') : Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The bytes of any binary object; undefined for everything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

/** `\x…`. */
export function formatBytea(bytes: Uint8Array): string {
  let text = '\\x';
  for (const byte of bytes) text += (byte + 256).toString(16).slice(1);
  return text;
}
