/** Events for a loop to take one by one. */

export interface AsyncQueue<Item> extends AsyncIterable<Item> {
  push(item: Item): void;
  /** After what is queued, the loop ends, or throws. */
  end(error?: Error): void;
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
    get length() {
      return items.length;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (items.length > 0) yield items.shift() as Item;
        if (outcome?.error) throw outcome.error;
        if (outcome) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
