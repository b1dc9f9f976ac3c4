// The few numbers a bench needs. All functions take any order and leave their argument alone.

/** Middle value; the mean of the two middle ones for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between closest ranks; `share` from 0 to 1. NaN for no values. */
export function quantile(values: ArrayLike<number>, share: number): number {
  if (values.length === 0) return Number.NaN;
  return quantileOfSorted(Float64Array.from(values).sort(), share);
}

/** As `quantile`, for values in ascending order: several quantiles of many values need one sort. */
export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = Math.min(1, Math.max(0, share)) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/** (largest − smallest) / median: how far the rounds disagree. NaN for none. */
export function spread(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** What callers waited, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Summary of single waits in milliseconds; sorts its argument. */
export function summarizeLatency(waitsMs: Float64Array): Latency {
  waitsMs.sort();
  return {
    p50Ms: quantileOfSorted(waitsMs, 0.5),
    p99Ms: quantileOfSorted(waitsMs, 0.99),
    maxMs: waitsMs.length === 0 ? Number.NaN : waitsMs[waitsMs.length - 1]!,
  };
}
