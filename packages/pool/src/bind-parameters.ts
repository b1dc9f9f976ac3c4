/** Reads single parameters of a Bind message, whatever their format: a text is the same bytes in both. */

/**
 * Parameter `number` (from 1) as text; `at` is behind the statement's name, `end` where the message ends, or as much of it as
 * is here. undefined: it is NULL, or not here.
 */
export function readParameter(bytes: Uint8Array, at: number, end: number, number: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (at + 2 > end) return undefined;
  let next = at + 2 + 2 * view.getUint16(at);
  if (next + 2 > end || view.getUint16(next) < number) return undefined;
  next += 2;
  for (let i = 1; next + 4 <= end; i++) {
    const length = view.getInt32(next);
    next += 4;
    if (i === number)
      return length < 0 || next + length > end ? undefined : utf8.decode(bytes.subarray(next, next + length));
    next += Math.max(0, length);
  }
  return undefined;
}

const utf8 = new TextDecoder();
