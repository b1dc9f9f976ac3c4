/** What a key opens for Prisma's plans. */
import { GatewayError } from '@postern/contract';
import type { Engine } from '@postern/pool';
import { endpointTarget } from '../endpoints/endpoint.ts';
import type { AccessOf, KeyAccess } from '../keys/key-access.ts';
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
  readonly accessOf: AccessOf;
  readonly engine: Pick<Engine, 'openSession'>;
}

/** The tenant of a grant; always the same one. Throws AccelerateError when the grant names what is not there. */
export function createTenants({ accessOf, engine }: TenantsOptions): (grant: KeyGrant) => Tenant {
  const tenants = new WeakMap<KeyGrant, Tenant>();
  return (grant) => {
    let tenant = tenants.get(grant);
    if (tenant === undefined) {
      tenant = createTenant(openGrant(grant, accessOf), engine);
      tenants.set(grant, tenant);
    }
    return tenant;
  };
}

function openGrant(grant: KeyGrant, accessOf: AccessOf): KeyAccess {
  try {
    return accessOf(grant);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { message, detail } = error;
    throw new AccelerateError('P6008', `${message.charAt(0).toUpperCase()}${message.slice(1)}`, { detail });
  }
}

function createTenant(access: KeyAccess, engine: TenantsOptions['engine']): Tenant {
  const { keyId, plan, schema, identity, endpoint, settings } = access;
  const target = endpointTarget(endpoint, endpoint.database);
  const startupParameters = new Map(access.startupParameters);
  startupParameters.set('client_encoding', 'UTF8');
  // The order of day and month stays the role's own.
  startupParameters.set('DateStyle', 'ISO');
  // Names the key to whoever looks at pg_stat_activity.
  if (!startupParameters.has('application_name')) startupParameters.set('application_name', `accelerate ${keyId}`);
  const tooLarge = (): AccelerateError => responseTooLarge(plan);
  return {
    keyId,
    plan,
    schema,
    cacheScope: JSON.stringify([
      endpoint.name,
      target.host,
      target.port,
      target.database,
      identity.user,
      schema ?? null,
    ]),
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
            label: `accelerate ${keyId}`,
          }),
      }),
  };
}

export function responseTooLarge({ maxResponseBytes }: Plan): AccelerateError {
  return new AccelerateError(
    'P6009',
    `The response is larger than ${maxResponseBytes} bytes, the limit of this key's plan: select fewer rows or fields.`,
  );
}
