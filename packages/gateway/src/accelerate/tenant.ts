/** What a key opens: a role on a database, a schema, a plan. */
import { splitOptions } from '@postern/contract';
import type { Engine, Identity, Target } from '@postern/pool';
import { createEndpoint, type Endpoint, endpointTarget } from '../endpoints/endpoint.ts';
import type { KeyGrant } from '../keys/key-ring.ts';
import type { Plan } from '../plans/plan.ts';
import { AccelerateError } from './accelerate-error.ts';
import { createSqlSession, type SqlSession } from './sql-session.ts';

export interface Tenant {
  readonly keyId: string;
  readonly plan: Plan;
  /** Generated queries name it; undefined: the client's default, public. */
  readonly schema: string | undefined;
  /** Same text: same results for the same query. */
  readonly cacheScope: string;
  /** A pooled session of this tenant's role. */
  openSession(): SqlSession;
}

export interface TenantsOptions {
  readonly endpoints: readonly Endpoint[];
  readonly plans: ReadonlyMap<string, Plan>;
  readonly engine: Pick<Engine, 'openSession'>;
  readonly passwordIdentity: (endpoint: Endpoint, user: string, password: string) => Identity;
}

/** The tenant of a grant; always the same one. Throws AccelerateError when the grant names what is not there. */
export function createTenants(options: TenantsOptions): (grant: KeyGrant) => Tenant {
  const tenants = new WeakMap<KeyGrant, Tenant>();
  return (grant) => {
    let tenant = tenants.get(grant);
    if (tenant === undefined) {
      tenant = createTenant(grant, options);
      tenants.set(grant, tenant);
    }
    return tenant;
  };
}

function createTenant(grant: KeyGrant, { endpoints, plans, engine, passwordIdentity }: TenantsOptions): Tenant {
  const plan = plans.get(grant.plan);
  if (plan === undefined) throw misconfigured(`key ${grant.id} has the plan "${grant.plan}", which is not configured`);
  const endpoint = endpointOf(grant, endpoints);
  const { role } = endpoint;
  if (role === undefined) {
    throw misconfigured(`key ${grant.id}: the database URL of endpoint "${endpoint.name}" names no role`);
  }
  const { gateway, startup } = optionsOf(grant);
  const schema = grant.schema ?? schemaOf(grant);
  const identity = passwordIdentity(endpoint, role.user, role.password);
  const target: Target = endpointTarget(endpoint, endpoint.database);
  const startupParameters = new Map(startup);
  startupParameters.set('client_encoding', 'UTF8');
  // The order of day and month stays the role's own.
  startupParameters.set('DateStyle', 'ISO');
  // Names the key to whoever looks at pg_stat_activity, and makes the plan's connection limit one per key.
  if (!startupParameters.has('application_name')) startupParameters.set('application_name', `accelerate ${grant.id}`);
  // Raw queries see the schema that generated queries name.
  if (schema !== undefined) startupParameters.set('search_path', `"${schema.replaceAll('"', '""')}"`);
  const settings = {
    poolTimeoutMs: gateway.poolTimeoutMs,
    connectTimeoutMs: gateway.connectTimeoutMs,
    connectionLimit: Math.min(plan.connectionLimit, gateway.connectionLimit ?? plan.connectionLimit),
  };
  const tooLarge = (): AccelerateError => responseTooLarge(plan);
  return {
    keyId: grant.id,
    plan,
    schema,
    cacheScope: JSON.stringify([endpoint.name, target.host, target.port, target.database, role.user, schema ?? null]),
    openSession: () =>
      createSqlSession({
        // A plan may fetch more than it answers, but not without end.
        maxRowBytes: plan.maxResponseBytes * 4,
        tooLarge,
        open: (stream) =>
          void engine.openSession({
            stream,
            target,
            identity,
            mode: 'pooled',
            startupParameters,
            settings,
            greeting: false,
            label: `accelerate ${grant.id}`,
          }),
      }),
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

export function responseTooLarge({ maxResponseBytes }: Plan): AccelerateError {
  return new AccelerateError(
    'P6009',
    `The response is larger than ${maxResponseBytes} bytes, the limit of this key's plan: select fewer rows or fields.`,
  );
}

/** The caller learns that it is not its fault, the operator what to do. */
function misconfigured(detail: string): AccelerateError {
  return new AccelerateError('P6008', 'Cannot connect to the database: this API key is not set up completely', {
    detail,
  });
}
