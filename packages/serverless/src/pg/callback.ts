/** Telling the program: node-postgres' two ways to hear of an end, and what the program throws when told. */

/** What it throws is its own: it ends nothing here, and comes out where errors of events do. */
export function tell(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** A promise, unless there is a callback, which gets null or an error, and the result. */
export function answer<Result>(
  promise: Promise<Result>,
  callback: ((error: never, result: never) => void) | undefined,
): Promise<Result> | undefined {
  if (!callback) return promise;
  const call = callback as (error: unknown, result?: Result) => void; // what it declares to take is its own affair
  promise.then((result) => call(null, result), call);
  return undefined;
}
