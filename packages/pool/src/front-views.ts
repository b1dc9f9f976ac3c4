/**
 * Memory that is filled from its front again and again, and handed on as far as it is filled. To make a view takes as long
 * as to copy a short message, and most of what is handed on is short: short views are made once.
 */

/** Of views that are kept; each takes 100 bytes. */
const maxKeptBytes = 1_024;

export class FrontViews<Memory extends Uint8Array = Uint8Array> {
  readonly memory: Memory;
  private readonly kept: (Memory | undefined)[] = [];

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** The first `length` bytes. Whoever asks for as many gets the same view. */
  first(length: number): Memory {
    const { kept } = this;
    const known = kept[length];
    if (known !== undefined) return known;
    const view = this.memory.subarray(0, length) as Memory; // of the same kind
    if (length > maxKeptBytes) return view;
    while (kept.length < length) kept.push(undefined);
    kept[length] = view;
    return view;
  }
}
