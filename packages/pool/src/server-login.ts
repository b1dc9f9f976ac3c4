/** Logs in to Postgres over a fresh byte stream: StartupMessage, authentication, up to the first ReadyForQuery. */
import {
  BackendCode,
  createMessageReader,
  createScramClient,
  databaseErrorFrom,
  decodeAuthentication,
  decodeBackendKeyData,
  decodeParameterStatus,
  encodePassword,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeStartupMessage,
  md5Password,
  ProtocolError,
  type ScramClient,
} from '@postern/wire';
import type { ByteStream } from './byte-stream.ts';
import type { Clock } from './clock.ts';
import { PoolError } from './errors.ts';
import type { Identity } from './identity.ts';
import type { LoginFacts } from './server-connection.ts';

export interface LoginOptions {
  readonly stream: ByteStream;
  readonly identity: Identity;
  readonly database: string;
  /** Start-up parameters besides user and database. */
  readonly parameters: Iterable<readonly [string, string]>;
  readonly minor?: 0 | 2;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
}

/** Rejects with DatabaseError (Postgres refused), ProtocolError or PoolError (silence, closed); the stream is then destroyed. */
export function logIn(options: LoginOptions): Promise<LoginFacts> {
  const { stream, identity } = options;
  return new Promise<LoginFacts>((resolve, reject) => {
    const parameters = new Map<string, string>();
    let processId = 0;
    let secretKey: Uint8Array = new Uint8Array(0);
    let scram: ScramClient | undefined;
    let isSettled = false;
    /** The server's own proof; a connection is not used before it is checked. */
    let serverProof: Promise<void> = Promise.resolve();

    const timer = options.clock.after(options.timeoutMs, () =>
      fail(
        new PoolError({
          code: 'connect_timeout',
          sqlstate: '08001',
          message: `Postgres was reached, but did not finish the login within ${Math.round(options.timeoutMs)} ms`,
          safeToRetry: true,
        }),
      ),
    );

    function fail(error: unknown): void {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      stream.onData = undefined;
      stream.onClose = undefined;
      stream.destroy();
      reject(error);
    }

    const reader = createMessageReader({ maxMessageBytes: options.maxMessageBytes, onMessage });

    function onMessage(code: number, body: Uint8Array): void {
      if (isSettled) return;
      switch (code) {
        case BackendCode.Authentication:
          authenticate(body.slice());
          return;
        case BackendCode.ErrorResponse:
          fail(databaseErrorFrom(body));
          return;
        case BackendCode.ParameterStatus: {
          const { name, value } = decodeParameterStatus(body);
          parameters.set(name, value);
          return;
        }
        case BackendCode.BackendKeyData: {
          const key = decodeBackendKeyData(body);
          processId = key.processId;
          secretKey = key.secretKey.slice();
          return;
        }
        case BackendCode.ReadyForQuery:
          serverProof.then(() => {
            if (isSettled) return;
            isSettled = true;
            timer.cancel();
            resolve({ stream, processId, secretKey, parameters });
          }, fail);
          return;
        default: // NoticeResponse, NegotiateProtocolVersion: nothing to do
      }
    }

    function authenticate(body: Uint8Array): void {
      const request = decodeAuthentication(body);
      switch (request.kind) {
        case 'ok':
          return;
        case 'cleartext':
          stream.write(encodePassword(password('a cleartext password')));
          return;
        case 'md5':
          stream.write(encodePassword(md5Password(identity.user, password('an MD5 password'), request.salt)));
          return;
        case 'sasl': {
          const { secret } = identity;
          if (!request.mechanisms.includes('SCRAM-SHA-256')) throw unsupported(request.mechanisms.join(', '));
          scram = createScramClient({
            mechanism: 'SCRAM-SHA-256',
            secret:
              secret.kind === 'scram-keys'
                ? { kind: 'keys', clientKey: secret.clientKey, serverKey: secret.serverKey }
                : { kind: 'password', password: password('SCRAM') },
          });
          stream.write(encodeSaslInitialResponse('SCRAM-SHA-256', scram.first()));
          return;
        }
        case 'sasl-continue':
          scram?.continue(request.data).then((data) => {
            if (!isSettled) stream.write(encodeSaslResponse(data));
          }, fail);
          return;
        case 'sasl-final':
          serverProof = scram?.final(request.data) ?? serverProof;
          serverProof.catch(fail);
          return;
        default:
          throw unsupported('an authentication method it does not name');
      }
    }

    function password(wanted: string): string {
      if (identity.secret.kind === 'password') return identity.secret.password;
      throw new PoolError({
        code: 'connect_failed',
        sqlstate: '28000',
        message: `Postgres asks for ${wanted}, but no password is known for user "${identity.user}"`,
        safeToRetry: false,
      });
    }

    stream.onData = (bytes): boolean => {
      try {
        reader.push(bytes);
      } catch (error) {
        fail(error);
      }
      return false;
    };
    stream.onClose = (cause): void =>
      fail(
        new PoolError({
          code: 'connect_failed',
          sqlstate: '08001',
          message: 'Postgres closed the connection during login',
          safeToRetry: true,
          cause,
        }),
      );
    stream.write(
      encodeStartupMessage({
        minor: options.minor ?? 0,
        parameters: [['user', identity.user], ['database', options.database], ...options.parameters],
      }),
    );
  });
}

function unsupported(what: string): ProtocolError {
  return new ProtocolError(`Postgres asks for ${what}, which is not supported`, { code: '0A000' });
}
