/**
 * The unnamed statement of one session, as it will be when Postgres has read what was sent: a change that turns out to
 * have been skipped is taken out again, whatever was sent behind it (reference/pooling.md §2.12).
 */
import type { UnnamedStatement } from './statements.ts';

/** What one message makes of the unnamed statement. */
export interface UnnamedChange {
  readonly kind: 'unnamed';
  /** undefined: there is none afterwards. */
  statement: UnnamedStatement | undefined;
  /** The message was skipped. */
  isVoid: boolean;
  /** What was there before, for as long as that may matter. */
  before: UnnamedChange | undefined;
  /** The segment whose answer tells; undefined: it is known, or a Query that nobody waits for. */
  segment: number | undefined;
}

export class SessionUnnamed {
  private last: UnnamedChange | undefined;

  get current(): UnnamedStatement | undefined {
    while (this.last?.isVoid) this.last = this.last.before;
    return this.last?.statement;
  }

  change(statement: UnnamedStatement | undefined, segment: number | undefined): UnnamedChange {
    const { last } = this;
    this.last = { kind: 'unnamed', statement, isVoid: false, before: last?.isVoid ? last.before : last, segment };
    return this.last;
  }

  /** The change that a message of this segment depends on, if it belongs to an earlier one that is not answered yet. */
  awaited(segment: number): UnnamedChange | undefined {
    const { last } = this;
    const isKnown = last === undefined || last.isVoid || last.segment === undefined || last.segment === segment;
    return isKnown ? undefined : last;
  }

  /** It is gone, for good. */
  drop(): void {
    if (this.current !== undefined) this.last = undefined;
  }

  confirmed(change: UnnamedChange): void {
    change.before = undefined;
    change.segment = undefined;
  }

  /** The message failed, and left no unnamed statement, or it was skipped. */
  revoked(change: UnnamedChange, isCause: boolean): void {
    change.segment = undefined;
    if (isCause) change.statement = undefined;
    else change.isVoid = true;
  }
}
