/** What code may do to settings that is not read token by token: the body of a DO block, and what CALL is given. */
import { isFollowedBy } from './followed-by.ts';

/** set_config whose name is no constant, or SET in a text that is put together. */
export function computesSetting(code: string): boolean {
  return (
    code.split(';').some((part) => namelessSetConfig.test(part.split(isLocal).at(-1)!)) ||
    isFollowedBy(code, /\bexecute\b/i, /'\s*set\s+(?!local\b)/i)
  );
}

const namelessSetConfig = /\bset_config\s*\(\s*(?!'[^']*'\s*,)/i;
/** The end of a set_config that does not last: in front of it in its statement none is looked for. */
const isLocal = /,\s*true\s*\)/i;

/** A setting may go back to its default. */
export function mayReset(code: string): boolean {
  return /\breset\b|\bset_config\b/i.test(code) || isFollowedBy(code, /\bset\b/i, /\bdefault\b/i);
}
