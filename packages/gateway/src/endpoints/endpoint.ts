/** An endpoint: one Postgres behind the gateway, under the name callers use for it. */
import type { Target } from '@postern/pool';
import { parseDatabaseUrl } from './database-url.ts';
import { parseHostAndPort } from './host-name.ts';

/** What the operator writes. */
export interface EndpointConfig {
  /** First label of the host name callers connect to, or `endpoint=` in their options. Letters, digits, `-`, `_`. */
  name: string;
  /** `postgres://user:password@host:port/database?sslmode=…`; role and password are optional. */
  databaseUrl: string;
  /** Server connections this endpoint may have at once. Undefined: the gateway's default. */
  poolSize?: number;
  /** Further `host` or `host:port` texts that mean this endpoint in `/v1?address=…` (its own host and name always do). */
  addresses?: readonly string[];
}

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: Target['tls'];
  readonly rootCertificates: string | undefined;
  /** The database of callers who name none. */
  readonly database: string;
  /** The role of the database URL: reads SCRAM verifiers, and can log in itself without asking Postgres for its verifier. */
  readonly role: { readonly user: string; readonly password: string } | undefined;
  readonly poolSize: number | undefined;
  readonly addresses: readonly string[];
}

/** Throws an Error naming the key that is wrong. */
export function createEndpoint(config: EndpointConfig): Endpoint {
  const name = config.name.toLowerCase();
  if (!/^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(name)) {
    throw new Error(
      `endpoint name "${config.name}": allowed are 1 to 63 letters, digits, "-" and "_" (it is a host label)`,
    );
  }
  if (name.endsWith('-pooler')) {
    throw new Error(`endpoint name "${config.name}": the ending -pooler is what callers add to ask for the pool`);
  }
  for (const address of config.addresses ?? []) {
    if (parseHostAndPort(address) === undefined) {
      throw new Error(`endpoint "${config.name}": address "${address}" is not host or host:port`);
    }
  }
  return {
    name,
    ...parseDatabaseUrl(config.databaseUrl),
    poolSize: config.poolSize,
    addresses: config.addresses ?? [],
  };
}

/** Where to connect for a caller of this endpoint. */
export function endpointTarget(endpoint: Endpoint, database: string): Target {
  const { host, port, tls, rootCertificates, poolSize } = endpoint;
  return { host, port, tls, rootCertificates, database, poolSize };
}
