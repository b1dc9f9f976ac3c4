/** Finds a short failing list by deleting from a long one. */

/**
 * Deletes runs of elements, long runs first, as long as `fails` stays true and `isTimeLeft`.
 * The result fails too (unless failing is a matter of luck) and is minimal for single deletions when time sufficed.
 */
export async function shrink<T>(
  failing: readonly T[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
  isTimeLeft: () => boolean,
): Promise<readonly T[]> {
  let best = failing;
  for (let run = Math.max(1, Math.floor(best.length / 2)); run >= 1; run = run === 1 ? 0 : Math.floor(run / 2)) {
    let from = 0;
    while (from < best.length && isTimeLeft()) {
      const candidate = [...best.slice(0, from), ...best.slice(from + run)];
      if (candidate.length < best.length && (await fails(candidate))) best = candidate;
      else from += run;
    }
  }
  return best;
}
