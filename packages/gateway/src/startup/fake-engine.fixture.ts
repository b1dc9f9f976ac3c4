/**
 * An engine for tests of what stands in front of it: knows a few passwords, greets, and answers every Query with one row
 * that says who asked where.
 */
import type { Engine, Identity, SessionOptions, Target } from '@postern/pool';
import {
  createMessageReader,
  DatabaseError,
  decodeQuery,
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeCommandComplete,
  encodeDataRow,
  encodeParameterStatus,
  encodeReadyForQuery,
  encodeRowDescription,
  FrontendCode,
} from '@postern/wire';

export interface FakeEngine extends Engine {
  readonly logins: { target: Target; identity: Identity; connectTimeoutMs: number | undefined }[];
  readonly sessions: SessionOptions[];
  readonly cancels: { processId: number; secretKey: Uint8Array }[];
  /** By user; change it as ALTER ROLE would. */
  readonly passwords: Map<string, string>;
  /** What the next logins do instead of checking the password. */
  loginError: Error | undefined;
  /** What logins wait for. */
  loginGate: Promise<void> | undefined;
  /** Finishes the cancels that were requested. */
  finishCancels(): void;
}

export function createFakeEngine(passwords: Readonly<Record<string, string>> = { alice: 'secret' }): FakeEngine {
  const waitingCancels: (() => void)[] = [];
  const engine: FakeEngine = {
    logins: [],
    sessions: [],
    cancels: [],
    passwords: new Map(Object.entries(passwords)),
    loginError: undefined,
    loginGate: undefined,
    async login(target, identity, budget) {
      engine.logins.push({ target, identity, connectTimeoutMs: budget?.connectTimeoutMs });
      await engine.loginGate;
      if (engine.loginError !== undefined) throw engine.loginError;
      const { secret, user } = identity;
      if (secret.kind === 'password' && engine.passwords.get(user) === secret.password) return;
      throw new DatabaseError({
        severity: 'FATAL',
        code: '28P01',
        message: `password authentication failed for user "${user}"`,
        routine: 'auth_failed',
      });
    },
    openSession(options) {
      engine.sessions.push(options);
      const { stream, identity, target } = options;
      const processId = engine.sessions.length;
      const reader = createMessageReader({
        maxMessageBytes: 100_000_000,
        onMessage(code, body) {
          if (code === FrontendCode.Terminate) stream.end();
          if (code !== FrontendCode.Query) return;
          const sql = decodeQuery(body);
          stream.write(encodeRowDescription([{ name: 'answer', dataTypeID: 25 }]));
          stream.write(encodeDataRow([`${identity.user}@${target.database}: ${sql.length > 40 ? sql.length : sql}`]));
          stream.write(encodeCommandComplete('SELECT 1'));
          stream.write(encodeReadyForQuery('I'));
        },
      });
      stream.onData = (bytes) => {
        reader.push(bytes);
        return undefined;
      };
      stream.onClose = () => {};
      stream.write(encodeAuthenticationOk());
      stream.write(encodeParameterStatus('server_version', '18.0'));
      stream.write(encodeBackendKeyData(processId, Uint8Array.of(1, 2, 3, 4)));
      stream.write(encodeReadyForQuery('I'));
      if (options.initialBytes !== undefined) reader.push(options.initialBytes);
      return { processId, phase: 'open', close: () => stream.end() };
    },
    cancel(processId, secretKey) {
      engine.cancels.push({ processId, secretKey });
      return new Promise((resolve) => waitingCancels.push(() => resolve(true)));
    },
    finishCancels() {
      for (const resolve of waitingCancels.splice(0)) resolve();
    },
    stats: () => {
      throw new Error('the fake engine has no statistics');
    },
    close: async () => {},
  };
  return engine;
}
