// Just enough Postgres to know when a reply is complete: headers are read, bodies skipped.

export interface ReplyScanner {
  /** Returns how many ReadyForQuery ended in these bytes. Throws for an ErrorResponse. */
  scan(bytes: Uint8Array, from: number, to: number): number;
}

const errorResponse = 0x45;
const readyForQuery = 0x5a;
const headerBytes = 5;

export function createReplyScanner(): ReplyScanner {
  let type = 0;
  let length = 0;
  let headerRead = 0;
  let bodyLeft = 0;
  return {
    scan(bytes, from, to) {
      let ready = 0;
      let at = from;
      while (at < to) {
        if (bodyLeft > 0) {
          const skipped = Math.min(bodyLeft, to - at);
          if (type === errorResponse) throw new Error(`the server says: ${readable(bytes.subarray(at, at + skipped))}`);
          bodyLeft -= skipped;
          at += skipped;
        } else if (headerRead === 0 && to - at >= headerBytes) {
          type = bytes[at]!;
          bodyLeft = (bytes[at + 1]! << 24) + (bytes[at + 2]! << 16) + (bytes[at + 3]! << 8) + bytes[at + 4]! - 4;
          at += headerBytes;
        } else {
          const byte = bytes[at++]!;
          if (headerRead === 0) type = byte;
          else length = (length << 8) | byte;
          if (++headerRead < headerBytes) continue;
          bodyLeft = length - 4;
          headerRead = 0;
          length = 0;
        }
        if (bodyLeft === 0 && headerRead === 0 && type === readyForQuery) ready++;
      }
      return ready;
    },
  };
}

function readable(fields: Uint8Array): string {
  return Buffer.from(fields).toString('latin1').replaceAll('\0', ' ').trim();
}
