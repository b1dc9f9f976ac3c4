/**
 * From the StartupMessage to an identity: the caller's password or API key in clear, or a SCRAM exchange. Which of them is
 * decided here; whether the answer is right is decided in auth/ and keys/.
 */
import type { ByteStream, Identity } from '@postern/pool';
import {
  createMessageReader,
  decodePassword,
  encodeAuthenticationCleartextPassword,
  FrontendCode,
  type MessageReader,
  ProtocolError,
} from '@postern/wire';
import type { AuthCrypto } from '../auth/auth-crypto.ts';
import type { Authenticator, LoginAttempt } from '../auth/authenticator.ts';
import { insecureTransport } from '../auth/insecure-transport.ts';
import type { ScramOffer, ScramVerifiers } from '../auth/scram-verifiers.ts';
import type { KeyAccess } from '../keys/key-access.ts';
import type { KeyLogin } from '../keys/key-login.ts';
import { createHeldBytes } from './held-bytes.ts';
import { createSaslExchange, type SaslExchange } from './sasl-exchange.ts';
import type { WaitingBudget } from './waiting-budget.ts';

export interface LoginRules {
  authenticator: Authenticator;
  verifiers: ScramVerifiers;
  crypto: AuthCrypto;
  /** API keys as passwords; undefined: there are none. */
  keys?: KeyLogin | undefined;
  /**
   * `auto`: a WebSocket caller is asked for its password, as Neon does; a TCP caller is challenged with SCRAM where the
   * verifier can be had, but asked too where there are API keys and nobody listens in: a key cannot answer a challenge.
   * `scram`: WebSockets are challenged too. `cleartext`: nobody is.
   */
  authMethod: 'auto' | 'scram' | 'cleartext';
  /** Accept passwords on a stream that is neither encrypted nor local. For networks where something else encrypts. */
  acceptPlainPasswords: boolean;
  /** Bytes a caller may send ahead of its session's begin: its first, pipelined query. */
  maxPipelinedBytes: number;
}

export interface LoginOptions extends LoginRules {
  stream: ByteStream;
  transport: 'ws' | 'tcp';
  attempt: LoginAttempt;
  /** `api_key=` of its options: it needs no password then. A secret. */
  apiKey: string | undefined;
  /** What came in the same delivery behind the StartupMessage. */
  received: Uint8Array;
  startedAtMs: number;
  /** Runs while the caller is expected to answer. */
  waiting: WaitingBudget;
  /** `rest`: what the caller sent beyond its last password message. */
  onIdentity: (admitted: Admitted, rest: Uint8Array) => void;
  onFailure: (error: unknown) => void;
  /** The caller sent Terminate. */
  onTerminate: () => void;
}

/** Who the caller turned out to be. */
export interface Admitted {
  readonly identity: Identity;
  /** What decides where to and how, if it came with a key. */
  readonly access?: KeyAccess | undefined;
}

export interface Login {
  /** May throw what `onFailure` would be given. */
  receive(bytes: Uint8Array): void;
  /** The caller is gone: nothing is called any more. */
  abandon(): void;
}

type State =
  /** Ours to move: the caller is paused, and what still arrives is held. */
  | { readonly name: 'working' }
  | { readonly name: 'password'; readonly reader: MessageReader }
  | { readonly name: 'sasl'; readonly reader: MessageReader }
  | { readonly name: 'over' };

/** As Postgres' PG_MAX_AUTH_TOKEN_LENGTH. */
const maxAuthMessageBytes = 65_535;

/** Starts by asking, challenging or reading. May throw what `onFailure` would be given. */
export function startLogin(options: LoginOptions): Login {
  const { stream, transport, attempt, authenticator, verifiers, crypto, authMethod, waiting, startedAtMs } = options;
  const held = createHeldBytes(options.maxPipelinedBytes);
  let state: State = { name: 'working' };

  function receive(bytes: Uint8Array): void {
    if (state.name === 'working') held.push(bytes);
    else if (state.name !== 'over') state.reader.push(bytes);
  }

  /** Does what takes time with the caller held back; the outcome is worthless if the caller left meanwhile. */
  function work(task: () => Promise<() => void>): void {
    const working: State = { name: 'working' };
    state = working;
    waiting.stop();
    stream.pause();
    task().then(
      (proceed) => {
        if (state !== working) return;
        try {
          proceed();
        } catch (error) {
          options.onFailure(error);
        }
      },
      (error) => {
        if (state === working) options.onFailure(error);
      },
    );
  }

  /** It is the caller's turn; what came while it was held back is read first. */
  function expect(next: State): void {
    state = next;
    waiting.start();
    const bytes = held.take();
    if (bytes.length > 0) receive(bytes);
    if (state === next) stream.resume();
  }

  /** A reader of the only message a caller may send now. */
  function readerFor(onPassword: (body: Uint8Array, reader: MessageReader) => void): MessageReader {
    const reader = createMessageReader({
      maxMessageBytes: maxAuthMessageBytes,
      onMessage(code, body) {
        if (code === FrontendCode.PasswordMessage) onPassword(body, reader);
        else if (code === FrontendCode.Terminate) {
          reader.detach();
          options.onTerminate();
        } else throw new ProtocolError(`expected password response, got message type ${code}`);
      },
    });
    return reader;
  }

  function succeed(admitted: Admitted): void {
    state = { name: 'over' };
    options.onIdentity(admitted, held.take());
  }

  async function admit(password: string | undefined): Promise<Admitted> {
    const access = await options.keys?.open({ apiKey: options.apiKey, password }, attempt);
    if (access !== undefined) return { identity: access.identity, access };
    return { identity: await authenticator.verifyPassword({ ...attempt, password: password ?? '' }) };
  }

  function expectPassword(): void {
    requirePrivacy();
    const reader = readerFor((body) => {
      const password = decodePassword(body);
      held.push(reader.detach());
      work(async () => {
        const admitted = await admit(password);
        return () => succeed(admitted);
      });
    });
    expect({ name: 'password', reader });
  }

  function askForPassword(): void {
    requirePrivacy();
    stream.write(encodeAuthenticationCleartextPassword());
    expectPassword();
  }

  function challenge(offer: Extract<ScramOffer, { kind: 'challenge' }>): void {
    const exchange = createSaslExchange({ offer, authenticator, attempt, crypto, startedAtMs });
    stream.write(exchange.begin());
    expect({ name: 'sasl', reader: readerFor((body, reader) => answered(exchange, body, reader)) });
  }

  function answered(exchange: SaslExchange, body: Uint8Array, reader: MessageReader): void {
    if (exchange.step === 'initial') {
      stream.write(exchange.first(body));
      return;
    }
    const proof = body.slice();
    held.push(reader.detach());
    work(async () => {
      const { message, identity } = await exchange.final(proof);
      return () => {
        stream.write(message);
        succeed({ identity });
      };
    });
  }

  function isPrivate(): boolean {
    return stream.security !== 'plain' || options.acceptPlainPasswords;
  }

  function mayHaveKey(): boolean {
    return isPrivate() && options.keys?.isInUse() === true;
  }

  function requirePrivacy(): void {
    if (isPrivate()) return;
    const hint =
      transport === 'tcp' ? 'Connect with TLS: sslmode=require.' : 'Connect with TLS: wss:// instead of ws://.';
    throw insecureTransport(hint);
  }

  // Whoever sends more than the StartupMessage at once has sent its password with it (Neon's driver does), so neither
  // a question nor a challenge may come in between.
  if (options.received.length > 0) {
    held.push(options.received);
    expectPassword();
  } else if (options.apiKey !== undefined && options.keys !== undefined) {
    requirePrivacy();
    work(async () => {
      const admitted = await admit(undefined);
      return () => succeed(admitted);
    });
  } else if (authMethod === 'cleartext' || (authMethod === 'auto' && (transport === 'ws' || mayHaveKey()))) {
    askForPassword();
  } else {
    work(async () => {
      const offer = await verifiers.offer(attempt.endpoint, attempt.user);
      return () => (offer.kind === 'challenge' ? challenge(offer) : askForPassword());
    });
  }

  return {
    receive,
    abandon() {
      state = { name: 'over' };
    },
  };
}
