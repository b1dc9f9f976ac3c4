/** Waiting before something is tried again. */

const firstDelayMs = 25;
const longestDelayMs = 500;

/**
 * Waits longer with each attempt; an abort ends the waiting. False, at once: there is no time left before `giveUpAt`, a time of
 * `performance`: Next.js prerenders nothing that has looked at `Date` first.
 */
export async function backOff(attempt: number, giveUpAt: number, signal?: AbortSignal): Promise<boolean> {
  // Up to twice as long, by chance, so that those who failed together do not come back together.
  const delayMs = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs) * (1 + Math.random());
  if (signal?.aborted || performance.now() + delayMs > giveUpAt) return false;
  await new Promise((resolve) => {
    setTimeout(resolve, delayMs);
    signal?.addEventListener('abort', resolve);
  });
  return true;
}
