/**
 * What a server connection still owes: one entry per message sent that will be answered, in order.
 * An entry knows what it waits for, who gets the answer, and what becomes of it. No I/O; the table of which message
 * pops which entry is in answers.ts (reference/pooling.md §2.1).
 */

export const Expect = {
  Parse: 1,
  Bind: 2,
  Describe: 3,
  Close: 4,
  Execute: 5,
  Sync: 6,
  Query: 7,
  FunctionCall: 8,
  /** A ready-made reply, given out when its turn comes. */
  Synthetic: 9,
  /** CopyDone or CopyFail was sent: answers nothing, but tells where a copy-in ends. */
  CopyEnd: 10,
} as const;
export type Expect = (typeof Expect)[keyof typeof Expect];

export const Action = {
  /** The answer goes to the sink. */
  Forward: 0,
  /** The answer is ours alone. An ErrorResponse still goes to the sink. */
  Swallow: 1,
  /** Forwarded, but its ReadyForQuery is held back: another entry's will be given out instead. */
  ForwardButReady: 2,
  /** Everything swallowed but ErrorResponse and ReadyForQuery; `ref` is a completion to give out before the latter. */
  Substitute: 3,
  /** A Describe whose ParameterDescription the caller has had already. */
  ForwardTail: 4,
  /** An empty Query of ours: each ReadyForQuery in front of its answer is told to the sink. */
  Count: 5,
} as const;
export type Action = (typeof Action)[keyof typeof Action];

/** Ring of entries in parallel arrays: nothing is allocated per message. */
export class ReplyQueue<Sink> {
  private kinds = new Uint8Array(16);
  private actions = new Uint8Array(16);
  private sinks: (Sink | undefined)[] = new Array(16).fill(undefined);
  private refs: unknown[] = new Array(16).fill(undefined);
  private head = 0;
  length = 0;

  push(kind: Expect, action: Action, sink: Sink, ref: unknown): void {
    if (this.length === this.kinds.length) this.grow();
    const i = (this.head + this.length) & (this.kinds.length - 1);
    this.kinds[i] = kind;
    this.actions[i] = action;
    this.sinks[i] = sink;
    this.refs[i] = ref;
    this.length++;
  }

  /** 0 when nothing is owed. */
  get kind(): number {
    return this.length === 0 ? 0 : this.kinds[this.head]!;
  }
  get action(): number {
    return this.actions[this.head]!;
  }
  get sink(): Sink {
    return this.sinks[this.head]!;
  }
  get ref(): unknown {
    return this.refs[this.head];
  }

  pop(): void {
    this.sinks[this.head] = undefined;
    this.refs[this.head] = undefined;
    this.head = (this.head + 1) & (this.kinds.length - 1);
    this.length--;
  }

  kindAt(index: number): number {
    return this.kinds[(this.head + index) & (this.kinds.length - 1)]!;
  }
  refAt(index: number): unknown {
    return this.refs[(this.head + index) & (this.kinds.length - 1)];
  }
  sinkAt(index: number): Sink {
    return this.sinks[(this.head + index) & (this.kinds.length - 1)]!;
  }
  actionAt(index: number): number {
    return this.actions[(this.head + index) & (this.kinds.length - 1)]!;
  }
  setActionAt(index: number, action: Action): void {
    this.actions[(this.head + index) & (this.kinds.length - 1)] = action;
  }

  /** The answer at `index` is swallowed, by `sink`. */
  disownAt(index: number, sink: Sink): void {
    const i = (this.head + index) & (this.kinds.length - 1);
    this.actions[i] = Action.Swallow;
    this.sinks[i] = sink;
    this.refs[i] = undefined;
  }

  /** Takes out the entry at `index` (from the head). */
  removeAt(index: number): void {
    const mask = this.kinds.length - 1;
    for (let i = index; i < this.length - 1; i++) {
      const to = (this.head + i) & mask;
      const from = (this.head + i + 1) & mask;
      this.kinds[to] = this.kinds[from]!;
      this.actions[to] = this.actions[from]!;
      this.sinks[to] = this.sinks[from];
      this.refs[to] = this.refs[from];
    }
    const last = (this.head + this.length - 1) & mask;
    this.sinks[last] = undefined;
    this.refs[last] = undefined;
    this.length--;
  }

  private grow(): void {
    const old = this.kinds.length;
    const kinds = new Uint8Array(old * 2);
    const actions = new Uint8Array(old * 2);
    const sinks: (Sink | undefined)[] = new Array(old * 2).fill(undefined);
    const refs: unknown[] = new Array(old * 2).fill(undefined);
    for (let i = 0; i < this.length; i++) {
      const from = (this.head + i) & (old - 1);
      kinds[i] = this.kinds[from]!;
      actions[i] = this.actions[from]!;
      sinks[i] = this.sinks[from];
      refs[i] = this.refs[from];
    }
    this.kinds = kinds;
    this.actions = actions;
    this.sinks = sinks;
    this.refs = refs;
    this.head = 0;
  }
}
