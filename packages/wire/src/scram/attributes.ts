/** SCRAM messages are lists of `letter=value`, in a fixed order, with unknown ones allowed at the end (RFC 5802 section 7). */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { ProtocolError } from '../protocol-error.ts';
import { sqlState } from '../sql-state.ts';

export interface Attribute {
  readonly letter: string;
  readonly value: string;
}

const attribute = /^([A-Za-z])=(.*)$/s;
/** Printable ASCII without the comma. */
const printable = /^[\x21-\x2b\x2d-\x7e]+$/;

/** As many random bytes as Postgres takes (SCRAM_RAW_NONCE_LEN), in base64. */
export function createNonce(): string {
  return encodeBase64(crypto.getRandomValues(new Uint8Array(18)));
}

export function parseAttributes(text: string): Attribute[] {
  return text.split(',').map((item) => {
    const parts = attribute.exec(item);
    if (parts === null) throw malformed('an attribute is not of the form letter=value');
    return { letter: parts[1]!, value: parts[2]! };
  });
}

/** The value at `index`, which must be the attribute `letter`. */
export function expectAttribute(attributes: readonly Attribute[], index: number, letter: string): string {
  const found = attributes[index];
  if (found?.letter === 'm') {
    throw new ProtocolError('the peer requires an unsupported SCRAM extension', { code: sqlState.featureNotSupported });
  }
  if (found?.letter !== letter) throw malformed(`attribute "${letter}" expected at place ${index + 1}`);
  return found.value;
}

export function expectNonce(value: string): string {
  if (!printable.test(value)) throw malformed('a nonce is empty or has characters that are not printable ASCII');
  return value;
}

export function expectBase64(value: string, what: string): Uint8Array {
  return decodeBase64(value) ?? malformedBase64(what);
}

/** The detail never quotes the message: nonces and proofs are nobody's business. */
export function malformed(detail: string): ProtocolError {
  return new ProtocolError('malformed SCRAM message', { detail });
}

function malformedBase64(what: string): never {
  throw malformed(`the ${what} is not base64`);
}
