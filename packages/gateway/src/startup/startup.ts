/**
 * Everything between the first byte of a caller and its session: encryption, CancelRequest, StartupMessage, login.
 * The same for WebSocket and TCP. It ends by giving the stream to the engine, or with one ErrorResponse.
 */
import { GatewayError } from '@postern/contract';
import type { Clock, Engine, Session } from '@postern/pool';
import {
  createStartupDecoder,
  encodeErrorResponse,
  encodeNegotiateProtocolVersion,
  ProtocolError,
  type StartupDecoder,
  type StartupPacket,
} from '@postern/wire';
import type { LoginAttempt } from '../auth/authenticator.ts';
import { endpointTarget } from '../endpoints/endpoint.ts';
import type { EndpointDirectory } from '../endpoints/resolve-endpoint.ts';
import { type CallerFacts, defectEvent, type LogEvent } from '../events.ts';
import { withinAccess } from '../keys/key-login.ts';
import type { Caller } from './caller.ts';
import { type Admitted, type Login, type LoginRules, startLogin } from './login.ts';
import { refusalOf } from './refusal.ts';
import { readRequest, type SessionRequest } from './request.ts';
import { sessionSettings } from './session-settings.ts';
import { createWaitingBudget } from './waiting-budget.ts';
import { isHttpRequest, isProxyHeader, proxyHeaderAtPostgres } from './wrong-port.ts';

export interface StartupOptions extends LoginRules {
  engine: Pick<Engine, 'openSession' | 'cancel'>;
  directory: Pick<EndpointDirectory, 'resolve'>;
  clock: Clock;
  log: LogEvent;
  /** Time a caller may keep us waiting, from its first byte to its last password message. */
  authTimeoutMs: number;
}

/** Serves one caller from its first byte on. */
export type AcceptCaller = (caller: Caller) => void;

/** What the caller is doing. Each state has one handler for bytes; see `onBytes`. */
type State =
  | { readonly name: 'opening'; readonly decoder: StartupDecoder }
  | { readonly name: 'tls-handshake' }
  | { readonly name: 'login'; readonly login: Login }
  | { readonly name: 'cancelling' }
  /** The engine has the stream, or it is closing. */
  | { readonly name: 'finished' };

type Handler<Name extends State['name']> = (bytes: Uint8Array, now: Extract<State, { name: Name }>) => void;

const answerYes = Uint8Array.of(0x53); // 'S'
const answerNo = Uint8Array.of(0x4e); // 'N'
const newestProtocolMinor = 2;

export function createStartup(options: StartupOptions): AcceptCaller {
  const { engine, clock, log, authTimeoutMs } = options;

  return function accept(caller) {
    let stream = caller.stream;
    let state: State = { name: 'opening', decoder: createStartupDecoder() };
    let serverName: string | undefined;
    /** Each encryption request may come once (reference/pooling.md §2.16). */
    const asked = new Set<'tls' | 'gssapi'>();
    const startedAtMs = clock.now();
    const facts: CallerFacts = { transport: caller.transport, address: caller.address };
    const waiting = createWaitingBudget(clock, authTimeoutMs, () => {
      fail(new GatewayError('authentication_timeout', `no complete start-up within ${authTimeoutMs / 1000} s`));
    });

    const onBytes: { readonly [Name in State['name']]: Handler<Name> } = {
      opening: (bytes, { decoder }) => {
        if (caller.httpAnswer !== undefined && isHttpRequest(bytes)) {
          const { error, bytes: answer } = caller.httpAnswer();
          fail(error, answer);
          return;
        }
        if (isProxyHeader(bytes)) throw proxyHeaderAtPostgres();
        const packet = decoder.push(bytes);
        if (packet !== undefined) opened(packet, decoder.rest());
      },
      'tls-handshake': () => {},
      login: (bytes, { login }) => login.receive(bytes),
      cancelling: () => {},
      finished: () => {},
    };

    function receive(bytes: Uint8Array): undefined {
      try {
        // State and handler come from the same union; TypeScript cannot see that through the index.
        (onBytes[state.name] as (bytes: Uint8Array, now: State) => void)(bytes, state);
      } catch (error) {
        fail(error);
      }
    }

    function listen(): void {
      stream.onData = receive;
      stream.onDrain = undefined;
      stream.onClose = () => finish();
    }

    function opened(packet: StartupPacket, rest: Uint8Array): void {
      switch (packet.kind) {
        case 'ssl-request':
          encryptionAsked('tls', rest);
          break;
        case 'gssenc-request':
          encryptionAsked('gssapi', rest);
          break;
        case 'direct-tls':
          if (asked.has('tls') || caller.upgradeToTls === undefined) {
            throw new ProtocolError('a TLS handshake where none is possible');
          }
          asked.add('tls');
          encrypt(caller.upgradeToTls, rest, true);
          break;
        case 'cancel':
          cancel(packet.processId, packet.secretKey);
          break;
        case 'startup':
          begin(packet, rest);
      }
    }

    function encryptionAsked(kind: 'tls' | 'gssapi', rest: Uint8Array): void {
      // Not inside the encryption that was asked for here. A WebSocket's own is another layer's.
      if (asked.has(kind) || stream !== caller.stream) throw new ProtocolError(`unexpected ${kind} request`);
      // Bytes sent in the clear must not become the beginning of the encrypted conversation (CVE-2021-23214).
      if (rest.length > 0) throw new ProtocolError('received unencrypted data after an encryption request');
      asked.add(kind);
      if (kind === 'tls' && caller.upgradeToTls !== undefined) {
        stream.write(answerYes);
        encrypt(caller.upgradeToTls, rest, false);
      } else {
        stream.write(answerNo);
        state = { name: 'opening', decoder: createStartupDecoder() };
      }
    }

    function encrypt(upgrade: NonNullable<Caller['upgradeToTls']>, received: Uint8Array, isDirect: boolean): void {
      const handshake: State = { name: 'tls-handshake' };
      state = handshake;
      upgrade({ received, isDirect }).then(
        (secured) => {
          if (state !== handshake) {
            secured.stream.destroy();
            return;
          }
          stream = secured.stream;
          serverName = secured.serverName;
          state = { name: 'opening', decoder: createStartupDecoder() };
          listen();
        },
        // The handshake told the peer what was wrong; there is nothing to add in the clear.
        () => finish(),
      );
    }

    function cancel(processId: number, secretKey: Uint8Array): void {
      log({ event: 'cancel_requested', transport: caller.transport, address: caller.address });
      state = { name: 'cancelling' };
      waiting.stop();
      const close = (): void => {
        finish();
        caller.end(1000, '');
      };
      // libpq takes the end of this connection as "it has been dealt with", so not before.
      engine.cancel(processId, secretKey).then(close, close);
    }

    function begin(packet: Extract<StartupPacket, { kind: 'startup' }>, received: Uint8Array): void {
      facts.user = packet.parameters.get('user') ?? '';
      if (caller.refusal !== undefined) throw caller.refusal;
      const request = readRequest(packet, caller, options.directory, serverName);
      facts.database = request.database;
      const { resolution } = request;
      if (resolution.outcome === 'address-refused') {
        throw new GatewayError('address_not_allowed', `address "${resolution.address}" is not allowed on this gateway`);
      }
      const endpoint = resolution.outcome === 'found' ? resolution.endpoint : undefined;
      if (endpoint !== undefined) facts.endpoint = endpoint.name;
      if (request.needsNegotiation) {
        // Postgres names the newest version that is not newer than the one asked for.
        stream.write(
          encodeNegotiateProtocolVersion(Math.min(packet.minor, newestProtocolMinor), request.protocolOptions),
        );
      }
      const attempt: LoginAttempt = {
        endpoint,
        user: request.user,
        database: request.database,
        address: caller.address,
        connectTimeoutMs: request.gateway.connectTimeoutMs,
      };
      const login = startLogin({
        ...options,
        stream,
        transport: caller.transport,
        attempt,
        apiKey: request.gateway.apiKey,
        received,
        startedAtMs,
        waiting,
        onIdentity: (admitted, rest) => open(request, attempt, admitted, rest),
        onFailure: fail,
        onTerminate: () => {
          finish();
          caller.end(1000, '');
        },
      });
      // A pipelined login may have been decided within the call.
      if (state.name === 'opening') state = { name: 'login', login };
    }

    function open(request: SessionRequest, attempt: LoginAttempt, admitted: Admitted, rest: Uint8Array): void {
      if (state.name !== 'login') return;
      const { identity, access } = admitted;
      const endpoint = access?.endpoint ?? attempt.endpoint;
      if (endpoint === undefined) throw new Error('an identity without an endpoint');
      const { mode } = request;
      const database = access !== undefined && !request.isDatabaseNamed ? endpoint.database : request.database;
      const asked = {
        startupParameters: request.startupParameters,
        settings: sessionSettings(request.gateway),
      };
      if (access !== undefined) {
        facts.endpoint = endpoint.name;
        facts.database = database;
        facts.keyId = access.keyId;
      }
      caller.authenticated();
      stream.resume();
      const session = engine.openSession({
        stream,
        target: endpointTarget(endpoint, database),
        identity,
        mode,
        ...(access === undefined ? asked : withinAccess(access, asked)),
        protocolMinor: request.protocolMinor,
        ...(rest.length > 0 ? { initialBytes: rest } : {}),
        label: `${caller.transport} ${caller.address}`,
      });
      finish();
      logSession(options, caller, { ...facts, mode }, session);
    }

    /** Nothing of this file happens to the caller any more. */
    function finish(): void {
      if (state.name === 'login') state.login.abandon();
      state = { name: 'finished' };
      waiting.stop();
    }

    /** `answer`: in place of an ErrorResponse. */
    function fail(error: unknown, answer?: Uint8Array): void {
      if (state.name === 'finished') return;
      const canAnswer = state.name !== 'tls-handshake';
      finish();
      const { fields, closeCode, code, detail } = refusalOf(error);
      const { message } = fields;
      log({ event: 'caller_refused', ...facts, code, sqlstate: fields.code, message, ...(detail ? { detail } : {}) });
      if (code === 'internal_error') log(defectEvent('start-up', error));
      if (canAnswer) stream.write(answer ?? encodeErrorResponse(fields));
      caller.end(closeCode, message);
    }

    listen();
    waiting.start();
  };
}

/** Not inside `accept`: what it keeps for the session's life would keep all of the start-up with it. */
function logSession(
  { log, clock }: Pick<StartupOptions, 'log' | 'clock'>,
  caller: Pick<Caller, 'whenClosed'>,
  facts: CallerFacts & { readonly mode: 'pooled' | 'direct' },
  session: Session,
): void {
  const openedAtMs = clock.now();
  const started = (): void => log({ event: 'session_started', ...facts, processId: session.processId });
  if (session.processId === 0) session.onOpened = started;
  else started();
  caller.whenClosed(() => {
    const known = session.processId === 0 ? {} : { processId: session.processId };
    log({ event: 'session_ended', ...facts, ...known, durationMs: Math.round(clock.now() - openedAtMs) });
  });
}
