/** What arrives before or after somebody waits for it, in order. */
export interface ArrivalQueue<T> {
  push(item: T): void;
  next(): Promise<T>;
  /** From now on `next` rejects, after what has been pushed. */
  fail(error: Error): void;
  /** What has arrived and nobody has taken. */
  waiting(): readonly T[];
}

export function createArrivalQueue<T>(): ArrivalQueue<T> {
  const items: T[] = [];
  const takers: { resolve(item: T): void; reject(error: Error): void }[] = [];
  let failure: Error | undefined;
  return {
    push(item) {
      const taker = takers.shift();
      if (taker) taker.resolve(item);
      else items.push(item);
    },
    next() {
      if (items.length > 0) return Promise.resolve(items.shift() as T);
      if (failure) return Promise.reject(failure);
      return new Promise((resolve, reject) => takers.push({ resolve, reject }));
    },
    fail(error) {
      failure = error;
      for (const taker of takers.splice(0)) taker.reject(error);
    },
    waiting: () => items,
  };
}
