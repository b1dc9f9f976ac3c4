/** So many at once; the others wait in the order in which they came. */
export interface Gate {
  /** Resolves when it is one's turn, with what to call when done. */
  enter(): Promise<() => void>;
}

export function createGate(places: number): Gate {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    async enter() {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      return leave;
    },
  };
}
