/** The difference between two traces as text, session by session. */
import type { Trace } from './run-script.ts';

/** Removed (`-`, only the first has it) and added (`+`) lines under a `@@ session @@` heading; empty when equal. */
export function diffTraces(expected: Trace, got: Trace): string {
  const out: string[] = [];
  for (const session of new Set([...expected.keys(), ...got.keys()])) {
    const changes = diffLines(expected.get(session) ?? [], got.get(session) ?? []);
    if (changes.length > 0) out.push(`@@ ${session} @@`, ...changes);
  }
  return out.join('\n');
}

/** Whole traces as text, for failure messages. */
export function showTrace(trace: Trace): string {
  return [...trace].flatMap(([session, lines]) => [`${session}:`, ...lines.map((line) => `  ${line}`)]).join('\n');
}

/** Longest common subsequence; traces are short enough for the plain table. */
function diffLines(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const changes: string[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      changes.push(`-${i + 1} ${before[i++]}`);
    } else {
      changes.push(`+${j + 1} ${after[j++]}`);
    }
  }
  return changes;
}
