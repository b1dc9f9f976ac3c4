/** MD5 (RFC 1321), which Web Crypto does not have, and the password form Postgres makes with it. */
import { concatBytes } from './bytes/concat-bytes.ts';
import { encodeText } from './bytes/text.ts';

/** The answer to AuthenticationMD5Password: 'md5' and md5(md5(password + user) + salt), both in hex. */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const inner = md5Hex(encodeText(password + user));
  return `md5${md5Hex(concatBytes([encodeText(inner), salt]))}`;
}

/** Rotations of the four rounds, four steps each. */
const rotations = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;

/** RFC 1321 section 3.4: floor(2³² · |sin(i)|). */
const sines: Int32Array = Int32Array.from({ length: 64 }, (_, step) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(step + 1))),
);

export function md5Hex(data: Uint8Array): string {
  const padded = new Uint8Array(((data.length + 8) & ~63) + 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, data.length << 3, true);
  view.setUint32(padded.length - 4, data.length >>> 29, true);
  const digest = new DataView(new ArrayBuffer(16));
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < padded.length; block += 64) addBlock(state, view, block);
  let hex = '';
  for (let word = 0; word < 4; word++) digest.setInt32(word * 4, state[word]!, true);
  for (let at = 0; at < 16; at++) hex += digest.getUint8(at).toString(16).padStart(2, '0');
  return hex;
}

function addBlock(state: Int32Array, view: DataView, block: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number]; // always four words
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const mixed = (a + mix(round, b, c, d) + sines[step]! + view.getInt32(block + wordOf(round, step) * 4, true)) | 0;
    const bits = rotations[round * 4 + (step & 3)]!;
    const rotated = (mixed << bits) | (mixed >>> (32 - bits));
    [a, b, c, d] = [d, (b + rotated) | 0, b, c];
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}

function mix(round: number, b: number, c: number, d: number): number {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (b & d) | (c & ~d);
  return round === 2 ? b ^ c ^ d : c ^ (b | ~d);
}

/** Which of the block's sixteen words a step takes. */
function wordOf(round: number, step: number): number {
  if (round === 0) return step & 15;
  if (round === 1) return (5 * step + 1) & 15;
  return (round === 2 ? 3 * step + 5 : 7 * step) & 15;
}
