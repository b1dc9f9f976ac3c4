/** Seeded random texts for the property tests of this folder. Not part of the program. */

export interface Random {
  /** To be printed when a property fails. */
  readonly seed: number;
  /** In [0, limit). */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32; the default seed differs from run to run. */
export function createRandom(seed: number = Math.floor(Math.random() * 2 ** 32)): Random {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { seed, below, pick: (items) => items[below(items.length)]! };
}

const PIECES: readonly string[] = (
  "' ' ' \" \" \\ \\' $ $$ $a$ $b E' e' U&' U&\" N' B' -- /* */ a b1 1 1.5 1e ; ; ( ) ( ) [ ] , . : :: + - * / $1 " +
  'é \u00a0 \u2028 \ufffd \0 😀 \ud800 select set_config insert into update with as set local create function begin ' +
  'atomic case end prepare execute deallocate all explain analyze copy declare cursor for from values on conflict treat'
)
  .split(' ')
  .concat('\n', '\r', ' ', ' ', '\t', '\f');

/** Up to `maxPieces` pieces of SQL in no order. */
export function randomGarbage(random: Random, maxPieces: number): string {
  let text = '';
  for (let left = random.below(maxPieces + 1); left > 0; left--) {
    text += random.pick(PIECES);
    if (random.below(3) === 0) text += ' ';
  }
  return text;
}
