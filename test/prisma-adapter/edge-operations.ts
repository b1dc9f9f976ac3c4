import type { Operation } from '../prisma-suite/operations/operation.ts';

/** All but those that need long. */
export function isForEdge({ name }: Operation): boolean {
  return !/\d 000|takes too long/.test(name);
}
