// Bodies in memory that their writer will use again.

/** A body that is valid during a call only, unless its memory is given away; without a lender it is whoever's who has it. */
export interface LentBody {
  readonly body: Uint8Array;
  readonly lender?: BodyLender | undefined;
}

/** Whose memory a body is in. */
export interface BodyLender {
  /** Whoever has the body keeps its memory, too. */
  giveAway(): void;
}

/** Up to here copying a body costs less than memory for the next. */
const maxCopiedBytes = 16_384;

/** The body, in memory of its own. */
export function ownBody({ body, lender }: LentBody): Uint8Array {
  if (lender === undefined) return body;
  if (body.length <= maxCopiedBytes) return body.slice();
  lender.giveAway();
  return body;
}
