/** What a key opens, wherever it is shown: a role on a database, with a schema and a plan. */
import { GatewayError, searchPathOf, splitOptions } from '@postern/contract';
import type { Identity, SessionOptions } from '@postern/pool';
import { createEndpoint, type Endpoint } from '../endpoints/endpoint.ts';
import type { Plan } from '../plans/plan.ts';
import type { KeyGrant } from './key-ring.ts';

export interface KeyAccess {
  readonly keyId: string;
  /** With the database of callers who name none. */
  readonly endpoint: Endpoint;
  readonly identity: Identity;
  readonly plan: Plan;
  /** Of generated queries, and first in the search_path; undefined: as the role has it. */
  readonly schema: string | undefined;
  /** Settings that come with the key; the caller's own win. */
  readonly startupParameters: ReadonlyMap<string, string>;
  /** The plan's connection limit is one for all callers with this key. */
  readonly settings: NonNullable<SessionOptions['settings']>;
}

export interface KeyAccessOptions {
  readonly endpoints: readonly Endpoint[];
  readonly plans: ReadonlyMap<string, Plan>;
  readonly passwordIdentity: (endpoint: Endpoint, user: string, password: string) => Identity;
}

/** Always the same for the same grant. Throws a GatewayError (`connect_failed`) when it names what is not there. */
export type AccessOf = (grant: KeyGrant) => KeyAccess;

export function createKeyAccess(options: KeyAccessOptions): AccessOf {
  const known = new WeakMap<KeyGrant, KeyAccess>();
  return (grant) => {
    let access = known.get(grant);
    if (access === undefined) {
      access = accessOf(grant, options);
      known.set(grant, access);
    }
    return access;
  };
}

function accessOf(grant: KeyGrant, { endpoints, plans, passwordIdentity }: KeyAccessOptions): KeyAccess {
  const plan = plans.get(grant.plan);
  if (plan === undefined) throw misconfigured(`key ${grant.id} has the plan "${grant.plan}", which is not configured`);
  const endpoint = endpointOf(grant, endpoints);
  const { role } = endpoint;
  if (role === undefined) {
    throw misconfigured(`key ${grant.id}: the database URL of endpoint "${endpoint.name}" names no role`);
  }
  const { gateway, startup } = optionsOf(grant);
  const schema = grant.schema ?? schemaOf(grant);
  const startupParameters = new Map(startup);
  // Raw queries see the schema that generated queries name.
  if (schema !== undefined) startupParameters.set('search_path', searchPathOf(schema));
  return {
    keyId: grant.id,
    endpoint,
    identity: passwordIdentity(endpoint, role.user, role.password),
    plan,
    schema,
    startupParameters,
    settings: {
      poolTimeoutMs: gateway.poolTimeoutMs,
      connectTimeoutMs: gateway.connectTimeoutMs,
      connectionLimit: Math.min(plan.connectionLimit, gateway.connectionLimit ?? plan.connectionLimit),
      limitGroup: `key ${grant.id}`,
    },
  };
}

function endpointOf({ id, endpoint: name, databaseUrl }: KeyGrant, endpoints: readonly Endpoint[]): Endpoint {
  if (databaseUrl !== undefined) return createEndpoint({ name: `key-${id}`, databaseUrl });
  const endpoint = endpoints.find((candidate) => candidate.name === name);
  if (endpoint === undefined) throw misconfigured(`key ${id} is for endpoint "${name}", which is not configured`);
  return endpoint;
}

/** Of a key's own database URL: `connection_limit`, `pool_timeout` and settings count as anywhere else. */
function optionsOf({ databaseUrl }: KeyGrant): ReturnType<typeof splitOptions> {
  return splitOptions(databaseUrl === undefined ? new Map() : new Map(new URL(databaseUrl).searchParams));
}

function schemaOf({ databaseUrl }: KeyGrant): string | undefined {
  return databaseUrl === undefined ? undefined : (new URL(databaseUrl).searchParams.get('schema') ?? undefined);
}

/** The caller learns that it is not its fault, the operator what to do. */
function misconfigured(detail: string): GatewayError {
  return new GatewayError('connect_failed', 'cannot connect to the database: this API key is not set up completely', {
    detail,
    hint: 'Whoever runs the gateway finds the reason in its log.',
  });
}
