/**
 * The client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), with and without channel binding. Both sides are
 * authenticated: a server that does not know the verifier is found out in `final`.
 */
import { encodeBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat-bytes.ts';
import { constantTimeEqual } from '../bytes/constant-time-equal.ts';
import { decodeText, encodeText } from '../bytes/text.ts';
import { ProtocolError } from '../protocol-error.ts';
import { sqlState } from '../sql-state.ts';
import { createNonce, expectAttribute, expectBase64, expectNonce, malformed, parseAttributes } from './attributes.ts';
import { deriveScramKeys, hmacSha256, type ScramKeys, scramKeyBytes, sha256, xorBytes } from './keys.ts';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

export interface ScramClientOptions {
  /** Postgres takes the user from the StartupMessage and ignores this one; default ''. */
  readonly user?: string;
  /** The keys of an earlier login do as well as the password, and cost no PBKDF2. */
  readonly secret: { readonly kind: 'password'; readonly password: string } | ({ readonly kind: 'keys' } & ScramKeys);
  /** Printable ASCII without comma; default random. */
  readonly nonce?: string;
  readonly mechanism: ScramMechanism;
  /**
   * The `tls-server-end-point` data (RFC 5929): the hash of the server's certificate. Required for -PLUS. To be given also
   * for plain SCRAM-SHA-256 when we could bind but the server did not offer it: the server then notices a downgrade.
   */
  readonly channelBinding?: Uint8Array;
  /** A hostile server could otherwise make us compute for hours; default 1 000 000. */
  readonly maxIterations?: number;
}

export interface ScramClient {
  /** client-first-message, the data of SASLInitialResponse. */
  first(): Uint8Array;
  /** Takes the data of AuthenticationSASLContinue, gives that of SASLResponse. Throws ProtocolError. */
  continue(serverFirst: Uint8Array): Promise<Uint8Array>;
  /** Takes the data of AuthenticationSASLFinal. Throws ProtocolError (28000) unless the server knows the verifier. */
  final(serverFinal: Uint8Array): Promise<void>;
}

type State =
  | { readonly name: 'new' }
  | { readonly name: 'first sent'; readonly bare: string }
  | { readonly name: 'final sent'; readonly serverKey: Uint8Array; readonly authMessage: Uint8Array }
  /** Between the states, while computing, and after success or failure. */
  | { readonly name: 'busy or finished' };

export function createScramClient(options: ScramClientOptions): ScramClient {
  const { user = '', secret, mechanism, channelBinding, maxIterations = 1_000_000 } = options;
  const nonce = expectNonce(options.nonce ?? createNonce());
  const gs2Header = gs2HeaderFor(mechanism, channelBinding);
  let state: State = { name: 'new' };

  /** Leaves the state `name`; each step is taken once, in order. */
  function leave<Name extends State['name']>(name: Name): Extract<State, { name: Name }> {
    const left = state;
    state = { name: 'busy or finished' };
    if (left.name !== name) throw new ProtocolError('a SCRAM step out of order', { side: 'local' });
    return left as Extract<State, { name: Name }>; // the check above is what makes it one
  }

  return {
    first() {
      leave('new');
      const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
      state = { name: 'first sent', bare };
      return encodeText(gs2Header + bare);
    },
    async continue(serverFirst) {
      const { bare } = leave('first sent');
      const serverFirstText = decodeText(serverFirst);
      const challenge = parseServerFirst(serverFirstText, nonce, maxIterations);
      const withoutProof = `c=${bindingText(gs2Header, mechanism, channelBinding)},r=${challenge.nonce}`;
      const authMessage = encodeText(`${bare},${serverFirstText},${withoutProof}`);
      const keys =
        secret.kind === 'keys' ? secret : await deriveScramKeys(secret.password, challenge.salt, challenge.iterations);
      const signature = await hmacSha256(await sha256(keys.clientKey), authMessage);
      const proof = xorBytes(keys.clientKey, signature);
      state = { name: 'final sent', serverKey: keys.serverKey, authMessage };
      return encodeText(`${withoutProof},p=${encodeBase64(proof)}`);
    },
    async final(serverFinal) {
      const { serverKey, authMessage } = leave('final sent');
      const signature = parseServerFinal(decodeText(serverFinal));
      if (!constantTimeEqual(signature, await hmacSha256(serverKey, authMessage))) {
        throw new ProtocolError('the server could not prove that it knows the password (incorrect SCRAM signature)', {
          code: sqlState.invalidAuthorizationSpecification,
        });
      }
    },
  };
}

/** RFC 5802 section 6: bound, could have been bound, or neither. */
function gs2HeaderFor(mechanism: ScramMechanism, channelBinding: Uint8Array | undefined): string {
  if (mechanism === 'SCRAM-SHA-256') return channelBinding === undefined ? 'n,,' : 'y,,';
  if (channelBinding !== undefined) return 'p=tls-server-end-point,,';
  throw new ProtocolError('SCRAM-SHA-256-PLUS needs channel binding data', { side: 'local' });
}

function bindingText(gs2Header: string, mechanism: ScramMechanism, channelBinding: Uint8Array | undefined): string {
  const header = encodeText(gs2Header);
  const isBound = mechanism === 'SCRAM-SHA-256-PLUS' && channelBinding !== undefined;
  return encodeBase64(isBound ? concatBytes([header, channelBinding]) : header);
}

interface Challenge {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

function parseServerFirst(text: string, clientNonce: string, maxIterations: number): Challenge {
  const attributes = parseAttributes(text);
  const nonce = expectNonce(expectAttribute(attributes, 0, 'r'));
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw malformed("the server's nonce does not continue ours");
  }
  const salt = expectBase64(expectAttribute(attributes, 1, 's'), 'salt');
  if (salt.length === 0) throw malformed('the salt is empty');
  const count = expectAttribute(attributes, 2, 'i');
  if (!/^[1-9]\d{0,9}$/.test(count)) throw malformed('the iteration count is not a positive number');
  const iterations = Number(count);
  if (iterations > maxIterations) {
    throw new ProtocolError(
      `the server asks for ${iterations} SCRAM iterations, at most ${maxIterations} are allowed`,
      {
        code: sqlState.programLimitExceeded,
      },
    );
  }
  return { nonce, salt, iterations };
}

function parseServerFinal(text: string): Uint8Array {
  const attributes = parseAttributes(text);
  if (attributes[0]?.letter === 'e') {
    throw new ProtocolError('the server refused the SCRAM login', {
      code: sqlState.invalidAuthorizationSpecification,
      detail: attributes[0].value.replace(/[^a-z-]/g, '?').slice(0, 40),
    });
  }
  const signature = expectBase64(expectAttribute(attributes, 0, 'v'), 'server signature');
  if (signature.length !== scramKeyBytes) throw malformed('the server signature has the wrong length');
  return signature;
}
