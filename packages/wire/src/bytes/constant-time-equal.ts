/**
 * Compares two byte arrays in a time that depends on their lengths only, so that a caller guessing a secret learns
 * nothing from how long the answer took.
 */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ b[at]!;
  return difference === 0;
}
