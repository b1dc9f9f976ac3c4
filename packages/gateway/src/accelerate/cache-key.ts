import type { ClientVersion } from './client-version.ts';
import type { QueryRequest } from './request-body.ts';
import type { Tenant } from './tenant.ts';

/** Everything the result depends on: whose, which plan, which values. Comments and the wording of errors are not. */
export async function cacheKey(tenant: Tenant, version: ClientVersion, query: QueryRequest): Promise<string> {
  const { model, operation, plan, params } = query;
  const text = JSON.stringify([tenant.cacheScope, version.hasOldPlans, model ?? null, operation, plan, params]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
