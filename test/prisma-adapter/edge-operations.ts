import type { Operation } from '../prisma-suite/operations/operation.ts';

/** All but those that need long. */
export function isForEdge({ name, isLarge }: Operation): boolean {
  return isLarge !== true && !name.includes('takes too long');
}
