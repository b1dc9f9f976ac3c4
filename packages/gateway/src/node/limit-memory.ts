/** A WebAssembly program that may grow for ever → one with an upper limit, beyond which it fails. */
import { concatBytes } from '@postern/wire';

const memorySection = 5;

/**
 * Puts the limit into the program's memory section (WebAssembly 2.0, §5.5.8). Throws when it has no memory of its own, or
 * has a limit already, or needs more from the start.
 */
export function limitMemory(program: Uint8Array, maxPages: number): Uint8Array {
  // Behind "\0asm" and the version.
  let at = 8;
  while (at < program.length) {
    const section = at;
    const id = program[at++];
    const [length, body] = readNumber(program, at);
    const end = body + length;
    if (id !== memorySection) {
      at = end;
      continue;
    }
    const [count, flagsAt] = readNumber(program, body);
    const [minPages, limitsEnd] = readNumber(program, flagsAt + 1);
    if (count !== 1 || program[flagsAt] !== 0 || limitsEnd !== end || minPages > maxPages) break;
    const limits = [1, 1, ...writeNumber(minPages), ...writeNumber(maxPages)];
    const head = program.subarray(0, section);
    const memory = Uint8Array.from([memorySection, ...writeNumber(limits.length), ...limits]);
    return concatBytes([head, memory, program.subarray(end)]);
  }
  throw new Error('the program has no memory that could be limited');
}

/** Unsigned LEB128: the number, and where it ends. */
function readNumber(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0;
  let at = start;
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 127) * shift;
    if (byte < 128) return [value, at];
  }
}

function writeNumber(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...writeNumber(Math.floor(value / 128))];
}
