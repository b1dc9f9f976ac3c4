// Results whose JSON has to wait until the types in them were looked up: messages as they came, copied.

import { responseTooLarge } from './request-errors.ts';

export interface RecordedResults {
  /** Array or not? Only the database knows. */
  readonly unknownTypes: Set<number>;
  readonly messages: readonly { readonly code: number; readonly body: Uint8Array }[];
  /** Copies a message; throws a GatewayError (`response_too_large`) when it would be too much to keep. */
  add(code: number, body: Uint8Array): void;
}

/** What a message is taken to cost beside its bytes. */
const messageOverheadBytes = 64;

/** `maxResponseBytes` is the limit of the response; messages can be somewhat longer than the JSON they become. */
export function createRecordedResults(maxResponseBytes: number): RecordedResults {
  const messages: { readonly code: number; readonly body: Uint8Array }[] = [];
  let bytes = 0;
  return {
    unknownTypes: new Set(),
    messages,
    add(code, body) {
      bytes += body.length + messageOverheadBytes;
      if (bytes > maxResponseBytes * 4) throw responseTooLarge(maxResponseBytes);
      messages.push({ code, body: new Uint8Array(body) });
    },
  };
}
