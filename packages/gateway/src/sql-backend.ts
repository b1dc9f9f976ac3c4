/** What the HTTP frontend asks of the gateway: who is this, and a session for them. Always through the pool. */
import { GatewayError } from '@postern/contract';
import type { Engine, Identity } from '@postern/pool';
import type { Authenticator } from './auth/authenticator.ts';
import { insecureTransport } from './auth/insecure-transport.ts';
import { type Endpoint, endpointTarget } from './endpoints/endpoint.ts';
import type { EndpointDirectory } from './endpoints/resolve-endpoint.ts';
import type { AuthenticatedCaller, SqlBackend, SqlCredentials } from './http/sql-backend.ts';
import type { KeyAccess } from './keys/key-access.ts';
import { type KeyLogin, withinAccess } from './keys/key-login.ts';
import type { RateLimiter } from './plans/rate-limiter.ts';
import { sessionSettings } from './startup/session-settings.ts';

export interface SqlBackendOptions {
  engine: Pick<Engine, 'openSession'>;
  directory: Pick<EndpointDirectory, 'resolve'>;
  authenticator: Pick<Authenticator, 'verifyPassword' | 'currentCheck'>;
  /** API keys as passwords and tokens; undefined: there are none. */
  keys?: KeyLogin | undefined;
  /** Of requests with a key. */
  limiter: RateLimiter;
  /** Take passwords and keys that others could have read on their way: something else encrypts. */
  acceptPlainPasswords: boolean;
}

export interface HttpCaller extends AuthenticatedCaller {
  readonly endpoint: Endpoint;
  readonly database: string;
  readonly identity: Identity;
  /** Of the API key it came with. */
  readonly access?: KeyAccess | undefined;
}

interface KnownCaller {
  readonly caller: HttpCaller;
  readonly isCurrent: () => boolean;
}

export function createSqlBackend(backend: SqlBackendOptions): SqlBackend<HttpCaller> {
  const { engine, directory, authenticator, keys, limiter, acceptPlainPasswords } = backend;
  /** Callers with a password, by what they showed. */
  const known = new WeakMap<object, KnownCaller>();

  async function verify(credentials: SqlCredentials): Promise<HttpCaller> {
    const { host, port, user, password, bearerToken, database, options, remoteAddress, source } = credentials;
    const resolution = directory.resolve({
      endpointOption: options.endpoint,
      host: port === undefined || host.includes(':') ? host : `${host}:${port}`,
      pooledOption: true,
    });
    const endpoint = resolution.outcome === 'found' ? resolution.endpoint : undefined;
    const address = remoteAddress ?? 'unknown';
    const attempt = { endpoint, user, database, address, connectTimeoutMs: options.connectTimeoutMs };
    const access = await keys?.open({ apiKey: options.apiKey, bearerToken, password }, attempt);
    if (access !== undefined) {
      const { endpoint, identity, keyId, plan } = access;
      const databaseKey = `${endpoint.name}/${database}`;
      return {
        databaseKey,
        callerKey: `${databaseKey}/${identity.id}/${keyId}`,
        endpoint,
        database,
        identity,
        access,
        limits: {
          maxResponseBytes: plan.maxResponseBytes,
          requestTimeoutMs: plan.queryTimeoutMs,
          transactionTimeoutMs: plan.transactionTimeoutMs,
          takeRequest: () => limiter.take(keyId, plan.requestsPerSecond),
        },
      };
    }
    if (password === undefined) {
      throw new GatewayError('missing_credentials', 'missing authentication credentials: required password', {
        hint: 'This gateway takes no tokens; put the password into the connection string.',
      });
    }
    const identity = await authenticator.verifyPassword({ ...attempt, password });
    if (endpoint === undefined) throw new Error('an identity without an endpoint');
    const databaseKey = `${endpoint.name}/${database}`;
    const caller = { databaseKey, callerKey: `${databaseKey}/${identity.id}`, endpoint, database, identity };
    known.set(source, { caller, isCurrent: authenticator.currentCheck(endpoint, identity) });
    return caller;
  }

  return {
    authenticate(credentials) {
      if (credentials.security === 'plain' && !acceptPlainPasswords) {
        throw insecureTransport('Connect with TLS: https:// instead of http://.');
      }
      const former = known.get(credentials.source);
      return former?.isCurrent() === true ? former.caller : verify(credentials);
    },
    openSession({ endpoint, database, identity, access }, stream, { startupParameters, options }) {
      const asked = { startupParameters, settings: sessionSettings(options) };
      const session = engine.openSession({
        stream,
        target: endpointTarget(endpoint, database),
        identity,
        mode: 'pooled',
        ...(access === undefined ? asked : withinAccess(access, asked)),
        greeting: false,
        label: 'http',
      });
      // What a key allows may change from one request to the next.
      return access === undefined ? session : undefined;
    },
  };
}
