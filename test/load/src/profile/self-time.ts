// The top of a V8 CPU profile by self time.

/** What `node --cpu-prof` writes, as far as it is read here. Times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      /** From 0. */
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly functionName: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly micros: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

/** Functions by self time, largest first, between two moments of the monotonic clock. Idle time is left out. */
export function selfTimes(profile: CpuProfile, fromMicros: number, toMicros: number): SelfTime[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const totals = new Map<string, Omit<SelfTime, 'share'>>();
  let at = profile.startTime;
  let total = 0;
  profile.samples.forEach((id, index) => {
    at += profile.timeDeltas[index] ?? 0;
    // A sample stands for the time until the next one.
    const micros = profile.timeDeltas[index + 1] ?? 0;
    const frame = frames.get(id);
    if (!frame || at < fromMicros || at >= toMicros || frame.functionName === '(idle)') return;
    total += micros;
    const { functionName, url, lineNumber, columnNumber } = frame;
    const key = `${functionName} ${url} ${lineNumber} ${columnNumber}`;
    const known = totals.get(key)?.micros ?? 0;
    const place = { url, line: lineNumber + 1, column: columnNumber + 1 };
    totals.set(key, { functionName: functionName || '(anonymous)', ...place, micros: known + micros });
  });
  return [...totals.values()]
    .map((entry) => ({ ...entry, share: entry.micros / total }))
    .sort((a, b) => b.micros - a.micros);
}
