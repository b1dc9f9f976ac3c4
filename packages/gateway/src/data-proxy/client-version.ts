import { AccelerateError } from '../accelerate/accelerate-error.ts';
import type { ClientVersion } from '../accelerate/client-version.ts';

/** The version in the path. Throws AccelerateError P6006 for those that speak something else: 5.0 reads raw results otherwise. */
export function parsePathVersion(text: string): ClientVersion {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  if (!((major === 6 && minor <= 19) || (major === 5 && minor === 22))) {
    throw new AccelerateError(
      'P6006',
      `Prisma Client ${text.slice(0, 40)} is not supported without an engine of its own; supported are 5.22 and 6.0 to 6.19`,
    );
  }
  // Plans are made here, by a compiler of 6.19.
  return { text, major, hasOldPlans: true, level: '6.16' };
}
