/** Cuts what a server sent into messages. Nothing is interpreted here; see trace-line.ts for that. */

/** One message of the server: its type byte as a letter, and its body without type and length. */
export interface BackendMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** Collects bytes and returns the messages that became complete. */
export interface MessageReader {
  push(chunk: Uint8Array): BackendMessage[];
  /** What has arrived of a message that is not complete. */
  readonly pending: Buffer;
}

export function createMessageReader(): MessageReader {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = 5;

  return {
    push(chunk) {
      chunks.push(Buffer.from(chunk));
      held += chunk.length;
      const complete: BackendMessage[] = [];
      if (held < wanted) return complete;
      const buffer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      let offset = 0;
      wanted = 5;
      while (buffer.length - offset >= 5) {
        const length = buffer.readUInt32BE(offset + 1);
        if (length < 4) throw new Error(`the server sent a message of length ${length}`);
        const end = offset + 1 + length;
        if (end > buffer.length) {
          wanted = 1 + length;
          break;
        }
        complete.push({ type: String.fromCharCode(buffer[offset]!), body: buffer.subarray(offset + 5, end) });
        offset = end;
      }
      const rest = buffer.subarray(offset);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      return complete;
    },
    get pending() {
      return Buffer.concat(chunks);
    },
  };
}
