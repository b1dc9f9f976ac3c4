// The operations and outcomes use this much of Node's Buffer; edge runtimes have none, and the adapter must need none.
export const Buffer = {
  from(source: number[] | ArrayBufferLike, offset = 0, length?: number): Uint8Array {
    const bytes = Array.isArray(source) ? Uint8Array.from(source) : new Uint8Array(source, offset, length);
    const toHex = (): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return Object.defineProperty(bytes, 'toString', { value: toHex, enumerable: false });
  },
};
