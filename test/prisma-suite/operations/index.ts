import { errors } from './errors.ts';
import { largeLists } from './large-lists.ts';
import type { Operation } from './operation.ts';
import { raw } from './raw.ts';
import { reads } from './reads.ts';
import { transactions } from './transactions.ts';
import { values } from './values.ts';
import { writes } from './writes.ts';

export type { Operation } from './operation.ts';

/** All of them, in the order in which they must run. */
export const operations: readonly Operation[] = [
  ...reads,
  ...writes,
  ...values,
  ...raw,
  ...errors,
  ...transactions,
  ...largeLists,
];
