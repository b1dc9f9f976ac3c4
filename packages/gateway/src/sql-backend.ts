/** What the HTTP frontend asks of the gateway: who is this, and a session for them. Always through the pool. */
import { GatewayError } from '@postern/contract';
import type { Engine, Identity } from '@postern/pool';
import type { Authenticator } from './auth/authenticator.ts';
import { type Endpoint, endpointTarget } from './endpoints/endpoint.ts';
import type { EndpointDirectory } from './endpoints/resolve-endpoint.ts';
import type { AuthenticatedCaller, SqlBackend } from './http/sql-backend.ts';
import { sessionSettings } from './startup/session-settings.ts';

export interface SqlBackendOptions {
  engine: Pick<Engine, 'openSession'>;
  directory: Pick<EndpointDirectory, 'resolve'>;
  authenticator: Pick<Authenticator, 'verifyPassword'>;
}

export interface HttpCaller extends AuthenticatedCaller {
  readonly endpoint: Endpoint;
  readonly database: string;
  readonly identity: Identity;
}

export function createSqlBackend({ engine, directory, authenticator }: SqlBackendOptions): SqlBackend<HttpCaller> {
  return {
    async authenticate({ host, port, user, password, database, options, remoteAddress }) {
      if (password === undefined) {
        throw new GatewayError('missing_credentials', 'missing authentication credentials: required password', {
          hint: 'This gateway takes no tokens; put the password into the connection string.',
        });
      }
      const resolution = directory.resolve({
        endpointOption: options.endpoint,
        host: port === undefined || host.includes(':') ? host : `${host}:${port}`,
        pooledOption: true,
      });
      const endpoint = resolution.outcome === 'found' ? resolution.endpoint : undefined;
      const identity = await authenticator.verifyPassword({
        endpoint,
        user,
        database,
        password,
        address: remoteAddress ?? 'unknown',
        connectTimeoutMs: options.connectTimeoutMs,
      });
      if (endpoint === undefined) throw new Error('an identity without an endpoint');
      const databaseKey = `${endpoint.name}/${database}`;
      return { databaseKey, callerKey: `${databaseKey}/${identity.id}`, endpoint, database, identity };
    },
    openSession({ endpoint, database, identity }, stream, { startupParameters, options }) {
      engine.openSession({
        stream,
        target: endpointTarget(endpoint, database),
        identity,
        mode: 'pooled',
        startupParameters,
        settings: sessionSettings(options),
        greeting: false,
        label: 'http',
      });
    },
  };
}
