/**
 * The server's half of SCRAM-SHA-256, without channel binding (offer SCRAM-SHA-256 only). Strictness and texts follow
 * src/backend/libpq/auth-scram.c.
 */
import { encodeBase64 } from '../bytes/base64.ts';
import { constantTimeEqual } from '../bytes/constant-time-equal.ts';
import { decodeText, encodeText } from '../bytes/text.ts';
import { ProtocolError } from '../protocol-error.ts';
import { sqlState } from '../sql-state.ts';
import { createNonce, expectAttribute, expectBase64, expectNonce, malformed, parseAttributes } from './attributes.ts';
import { type ScramHashes, scramKeyBytes, webCryptoHashes, xorBytes } from './keys.ts';
import type { ScramVerifier } from './verifier.ts';

export interface ScramServerOptions {
  /** For a user who does not exist: `mockScramVerifier`, so that he cannot tell. */
  readonly verifier: ScramVerifier;
  /** Our part of the nonce, printable ASCII without comma; default random. */
  readonly nonce?: string;
  /** Default: Web Crypto's. */
  readonly hashes?: ScramHashes;
}

export type ScramOutcome =
  | {
      readonly ok: true;
      /** server-final-message, the data of AuthenticationSASLFinal. */
      readonly message: Uint8Array;
      /** With the verifier's ServerKey it is what `createScramClient` takes as `keys`: a login to Postgres as this user. */
      readonly clientKey: Uint8Array;
    }
  | {
      readonly ok: false;
      /** server-final-message with an error. Postgres sends ErrorResponse 28P01 instead, and so should we. */
      readonly message: Uint8Array;
    };

export interface ScramServer {
  /** Takes the data of SASLInitialResponse, gives that of AuthenticationSASLContinue. Throws ProtocolError. */
  first(clientFirst: Uint8Array): Uint8Array;
  /** Takes the data of SASLResponse. A wrong password is an outcome; only what is malformed throws ProtocolError. */
  final(clientFinal: Uint8Array): Promise<ScramOutcome>;
}

type State =
  | { readonly name: 'new' }
  | {
      readonly name: 'challenged';
      readonly gs2Header: string;
      readonly clientBare: string;
      readonly nonce: string;
      readonly serverFirst: string;
    }
  | { readonly name: 'finished' };

export function createScramServer(options: ScramServerOptions): ScramServer {
  const { verifier, hashes = webCryptoHashes } = options;
  const serverNonce = expectNonce(options.nonce ?? createNonce());
  let state: State = { name: 'new' };

  return {
    first(clientFirst) {
      if (state.name !== 'new') throw outOfOrder();
      state = { name: 'finished' };
      const client = parseClientFirst(decodeText(clientFirst));
      const nonce = client.nonce + serverNonce;
      const serverFirst = `r=${nonce},s=${encodeBase64(verifier.salt)},i=${verifier.iterations}`;
      state = { name: 'challenged', gs2Header: client.gs2Header, clientBare: client.bare, nonce, serverFirst };
      return encodeText(serverFirst);
    },
    async final(clientFinal) {
      if (state.name !== 'challenged') throw outOfOrder();
      const { gs2Header, clientBare, nonce, serverFirst } = state;
      state = { name: 'finished' };
      const { withoutProof, proof } = parseClientFinal(decodeText(clientFinal), gs2Header, nonce);
      const authMessage = encodeText(`${clientBare},${serverFirst},${withoutProof}`);
      const clientKey = xorBytes(proof, await hashes.hmac(verifier.storedKey, authMessage));
      const serverSignature = await hashes.hmac(verifier.serverKey, authMessage);
      if (!constantTimeEqual(await hashes.sha256(clientKey), verifier.storedKey)) {
        return { ok: false, message: encodeText('e=invalid-proof') };
      }
      return { ok: true, message: encodeText(`v=${encodeBase64(serverSignature)}`), clientKey };
    },
  };
}

interface ClientFirst {
  readonly gs2Header: string;
  readonly bare: string;
  readonly nonce: string;
}

function parseClientFirst(text: string): ClientFirst {
  const flag = text[0];
  if (flag === 'p') throw malformed('the client selected SCRAM-SHA-256 without channel binding, but sent binding data');
  // 'y': the client could bind and believes that we cannot, which is true.
  if (flag !== 'n' && flag !== 'y') throw malformed('unexpected channel-binding flag');
  if (text[1] !== ',') throw malformed('comma expected after the channel-binding flag');
  if (text[2] === 'a') {
    throw new ProtocolError('client uses authorization identity, but it is not supported', {
      code: sqlState.featureNotSupported,
    });
  }
  if (text[2] !== ',') throw malformed('unexpected attribute in client-first-message');
  const bare = text.slice(3);
  const attributes = parseAttributes(bare);
  expectAttribute(attributes, 0, 'n'); // ignored: the StartupMessage has the user
  return { gs2Header: text.slice(0, 3), bare, nonce: expectNonce(expectAttribute(attributes, 1, 'r')) };
}

interface ClientFinal {
  readonly withoutProof: string;
  readonly proof: Uint8Array;
}

function parseClientFinal(text: string, gs2Header: string, nonce: string): ClientFinal {
  const attributes = parseAttributes(text);
  if (expectAttribute(attributes, 0, 'c') !== encodeBase64(encodeText(gs2Header))) {
    throw new ProtocolError('unexpected SCRAM channel-binding attribute in client-final-message');
  }
  if (!constantTimeEqual(encodeText(expectAttribute(attributes, 1, 'r')), encodeText(nonce))) {
    throw new ProtocolError('invalid SCRAM response', { detail: 'nonce does not match' });
  }
  // The proof is the last attribute; others may stand before it.
  const proof = expectBase64(expectAttribute(attributes, Math.max(2, attributes.length - 1), 'p'), 'proof');
  if (proof.length !== scramKeyBytes) throw malformed('the proof has the wrong length');
  return { withoutProof: text.slice(0, text.lastIndexOf(',p=')), proof };
}

function outOfOrder(): ProtocolError {
  return new ProtocolError('a SCRAM step out of order', { side: 'local' });
}
