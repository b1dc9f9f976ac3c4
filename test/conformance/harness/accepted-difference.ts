/**
 * Differences we decided to live with: one file per script in `accepted/`, the reason on top, the exact diff below. Where a
 * mode differs in its own way it has a file of its own: `name-of-the-script.tcp-pooled-moving.md`.
 *
 *     # name-of-the-script
 *     Why this differs and why it is right that it does.
 *
 *     Modes: tcp-pooled, ws-pooled-cut
 *
 *     ```diff
 *     @@ A @@
 *     -3 ErrorResponse …
 *     ```
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RouteKind } from './route.ts';

export interface AcceptedDifference {
  readonly reason: string;
  readonly modes: readonly string[];
  readonly diff: string;
}

/** Parses a file; throws when a part is missing, so that nothing is accepted without a reason. */
export function parseAcceptedDifference(text: string, where: string): AcceptedDifference {
  const found =
    /^# (?<name>\S+)\n+(?<reason>\S[\s\S]*?)\n+Modes: (?<modes>[^\n]+)\n+```diff\n(?<diff>[\s\S]*?)\n```\s*$/.exec(
      text,
    );
  if (found?.groups === undefined) {
    throw new Error(`${where}: expected "# script", a reason, "Modes: …" and one \`\`\`diff block`);
  }
  const { reason, modes, diff } = found.groups;
  return { reason: reason!, modes: modes!.split(',').map((mode) => mode.trim()), diff: diff! };
}

const FOLDER = join(import.meta.dirname, '..', 'accepted');

/** The diff that is expected for this script in this mode; empty when none is accepted. */
export function acceptedDiff(script: string, mode: RouteKind): string {
  const path = [`${script}.${mode}.md`, `${script}.md`]
    .map((file) => join(FOLDER, file))
    .find((file) => existsSync(file));
  if (path === undefined) return '';
  const accepted = parseAcceptedDifference(readFileSync(path, 'utf8'), path);
  return accepted.modes.includes(mode) ? accepted.diff : '';
}
