/** Binary values: `Buffer` where the platform has it, as in the official driver, else `Uint8Array`. */

interface BufferConstructor {
  from(text: string, encoding: string): Uint8Array;
}

/** The text of a bytea: `\x…`, or the escape format. */
export function parseBytea(text: string): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: BufferConstructor };
  const isHex = text.startsWith('\\x');
  if (isHex && Buffer) return Buffer.from(text.slice(2), 'hex');
  const binary = (isHex ? text.slice(2) : text).replace(isHex ? /../g : /\\(?:\\|[0-7]{3})/g, (code) =>
    code === '\\\\' ? '\\' : String.fromCharCode(Number.parseInt(isHex ? code : code.slice(1), isHex ? 16 : 8)),
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
  for (const byte of bytes) text += (byte >> 4).toString(16) + (byte & 15).toString(16);
  return text;
}
