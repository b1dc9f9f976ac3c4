/** Binary values: `Buffer` where the platform has it, as in the official driver, else `Uint8Array`. */

interface BufferConstructor {
  from(content: string | readonly number[], encoding?: string): Uint8Array;
}

/** The text of a bytea: `\x…`, or the escape format. */
export function parseBytea(text: string): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: BufferConstructor };
  const isHex = /^\\x/.test(text);
  if (isHex && Buffer) return Buffer.from(text.slice(2), 'hex');
  const codes = text.match(isHex ? /[^\\x]./g : /\\\\|\\...|./gs) ?? [];
  return (Buffer ?? Uint8Array).from(
    codes.map((code) => (isHex ? Number(`0x${code}`) : code[2] ? Number(`0o${code.slice(1)}`) : code.charCodeAt(0))),
  );
}

/** The bytes of any binary object; undefined for everything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return undefined;
}
