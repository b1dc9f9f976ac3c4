// What becomes of a request that was played on a session.

import type { BodyLender } from './lent-body.ts';

export type SqlOutcome =
  | {
      readonly kind: 'whole';
      readonly ok: true;
      readonly body: Uint8Array;
      readonly lender: BodyLender | undefined;
    }
  /** `statementIndex`: of a batch only, when one of its statements (not BEGIN or COMMIT) is to blame. */
  | {
      readonly kind: 'whole';
      readonly ok: false;
      readonly error: unknown;
      readonly statementIndex: number | undefined;
      /**
       * Of a named statement: it failed before it began, so nothing was done. Postgres may see it differently without the
       * name: what types its parameters have was decided when it was prepared.
       */
      readonly isUnbound?: boolean;
    };
