import { GatewayError } from '@postern/contract';
import { concatBytes } from '@postern/wire';

/** What a caller sends before anybody can use it. */
export interface HeldBytes {
  /** Copies `bytes`. Throws GatewayError `message_too_large` beyond the limit. */
  push(bytes: Uint8Array): void;
  /** Everything held; nothing is held afterwards. */
  take(): Uint8Array;
}

export function createHeldBytes(maxBytes: number): HeldBytes {
  let parts: Uint8Array[] = [];
  let length = 0;
  return {
    push(bytes) {
      if (bytes.length === 0) return;
      length += bytes.length;
      if (length > maxBytes) {
        throw new GatewayError(
          'message_too_large',
          `more than ${maxBytes} bytes were sent ahead of the end of authentication`,
        );
      }
      parts.push(new Uint8Array(bytes));
    },
    take() {
      const [first] = parts;
      const bytes = first !== undefined && parts.length === 1 ? first : concatBytes(parts);
      parts = [];
      length = 0;
      return bytes;
    },
  };
}
