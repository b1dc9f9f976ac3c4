// Memory in which documents are written one after another: most are done before the next begins, so a few buffers serve
// all of them, and none is grown step by step. What a document came to is copied out, at its right size.

export interface JsonMemory {
  /** Length of every buffer. */
  readonly bufferBytes: number;
  /** A buffer that nobody else has, with anything in it. */
  take(): Uint8Array;
  /** Gives back what `take` gave, once; who does not leaves it to the garbage collector. */
  give(buffer: Uint8Array): void;
}

export interface JsonMemoryOptions {
  readonly bufferBytes?: number;
  /** Buffers kept while nobody needs them. */
  readonly maxBuffers?: number;
}

export function createJsonMemory({ bufferBytes = 32_768, maxBuffers = 8 }: JsonMemoryOptions = {}): JsonMemory {
  const free: Uint8Array[] = [];
  return {
    bufferBytes,
    take: () => free.pop() ?? new Uint8Array(bufferBytes),
    give(buffer) {
      if (free.length < maxBuffers) free.push(buffer);
    },
  };
}
