/** Random numbers for tests, the same in every run with the same seed (a linear congruential generator). */
export interface SeededRandom {
  /** 0 ≤ result < `limit`. */
  below(limit: number): number;
  bytes(length: number): Uint8Array;
}

export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function below(limit: number): number {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  }
  return { below, bytes: (length) => Uint8Array.from({ length }, () => below(256)) };
}
