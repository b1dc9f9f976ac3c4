/** The server's side of one SCRAM exchange as messages, ending in an identity. */
import type { Identity } from '@postern/pool';
import {
  createScramServer,
  decodeSaslInitialResponse,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
  encodeAuthenticationSaslFinal,
  ProtocolError,
  type ScramHashes,
} from '@postern/wire';
import type { Authenticator, LoginAttempt } from '../auth/authenticator.ts';
import type { ScramOffer } from '../auth/scram-verifiers.ts';

export interface SaslExchange {
  /** Which message of the caller is next. */
  readonly step: 'initial' | 'response';
  /** AuthenticationSASL. */
  begin(): Uint8Array;
  /** SASLInitialResponse → AuthenticationSASLContinue. Throws ProtocolError. */
  first(body: Uint8Array): Uint8Array;
  /** SASLResponse → AuthenticationSASLFinal and who it is. Rejects when the proof is wrong. */
  final(body: Uint8Array): Promise<{ message: Uint8Array; identity: Identity }>;
}

export interface SaslExchangeOptions {
  offer: Extract<ScramOffer, { kind: 'challenge' }>;
  authenticator: Pick<Authenticator, 'tryOnce' | 'refuse'>;
  attempt: LoginAttempt;
  crypto: ScramHashes;
  startedAtMs: number;
}

const mechanism = 'SCRAM-SHA-256';

export function createSaslExchange(options: SaslExchangeOptions): SaslExchange {
  const { offer, authenticator, attempt, crypto, startedAtMs } = options;
  const server = createScramServer({ verifier: offer.verifier, hashes: crypto });
  let step: SaslExchange['step'] = 'initial';
  return {
    get step() {
      return step;
    },
    begin: () => encodeAuthenticationSasl([mechanism]),
    first(body) {
      const initial = decodeSaslInitialResponse(body);
      // Postgres' text; here also for a cleartext password that crossed our challenge.
      if (initial.mechanism !== mechanism) {
        throw new ProtocolError('client selected an invalid SASL authentication mechanism');
      }
      if (initial.data === null) throw new ProtocolError('the SASL initial response is missing');
      step = 'response';
      return encodeAuthenticationSaslContinue(server.first(initial.data));
    },
    final: (body) =>
      authenticator.tryOnce(attempt, async () => {
        const outcome = await server.final(body);
        if (!outcome.ok || offer.identify === undefined) {
          throw await authenticator.refuse(attempt, startedAtMs, outcome.ok ? 'unknown user' : 'wrong SCRAM proof');
        }
        return { message: encodeAuthenticationSaslFinal(outcome.message), identity: offer.identify(outcome.clientKey) };
      }),
  };
}
