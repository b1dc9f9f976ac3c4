/** Events for a loop to take one by one. */

export interface AsyncQueue<Item> {
  push(item: Item): void;
  /** After what is queued, the loop ends, or throws. */
  end(error?: Error): void;
  /** undefined: over. Throws what `end` was given. */
  next(): Promise<Item | undefined>;
  readonly length: number;
}

export function createAsyncQueue<Item>(): AsyncQueue<Item> {
  const items: Item[] = [];
  let outcome: { readonly error: Error | undefined } | undefined;
  let wake: () => void = () => {};
  return {
    push(item) {
      items.push(item);
      wake();
    },
    end(error) {
      outcome ??= { error };
      wake();
    },
    async next() {
      while (items.length === 0 && !outcome) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (items.length > 0) return items.shift();
      if (outcome?.error) throw outcome.error;
      return undefined;
    },
    get length() {
      return items.length;
    },
  };
}
