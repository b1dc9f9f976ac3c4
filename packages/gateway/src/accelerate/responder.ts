/** A request's way from its key to its answer and into the log: the same for both of Prisma's protocols. */
import type { Clock } from '@postern/pool';
import type { KeyGrant, KeyRing } from '../keys/key-ring.ts';
import type { RateLimiter } from '../plans/rate-limiter.ts';
import { AccelerateError } from './accelerate-error.ts';
import { type AccelerateEvent, toAccelerateEvent } from './accelerate-event.ts';
import { type Answer, writeAnswer } from './answer.ts';
import { createResponseHeaders, type ResponseFacts } from './response-headers.ts';
import { createTelemetry, parseTelemetryWish, type Telemetry } from './telemetry.ts';
import type { Tenant } from './tenant.ts';

export interface ResponderOptions {
  readonly keys: KeyRing;
  readonly tenantOf: (grant: KeyGrant) => Tenant;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly log: (event: AccelerateEvent) => void;
  /** Log requests that succeed, too. */
  readonly logsSuccess: boolean;
}

/** A request whose key was good. */
export interface Exchange {
  readonly request: Request;
  readonly tenant: Tenant;
  readonly telemetry: Telemetry;
  readonly facts: ResponseFacts;
}

/** What a caller is told about whatever was thrown. */
export type ErrorReply = (error: unknown) => {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Answers errors too, and never rejects. `route` is for the log. */
export type Respond = (
  route: string,
  request: Request,
  errorReply: ErrorReply,
  work: (exchange: Exchange) => Promise<Answer>,
) => Promise<Response>;

/** The grant of the key a request shows, if that is a good one. */
export async function findGrant(keys: KeyRing, request: Request): Promise<KeyGrant | undefined> {
  const key = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  return key === undefined ? undefined : await keys.find(key);
}

export function createResponder({ keys, tenantOf, limiter, clock, log, logsSuccess }: ResponderOptions): Respond {
  async function authenticate(request: Request, facts: ResponseFacts): Promise<Tenant> {
    const grant = await findGrant(keys, request);
    if (grant === undefined) {
      throw new AccelerateError(
        'P6002',
        'The provided API Key is invalid. Reason: it is unknown here, or was revoked.',
      );
    }
    facts.keyId = grant.id;
    const tenant = tenantOf(grant);
    const waitMs = await limiter.take(grant.id, tenant.plan.requestsPerSecond);
    if (waitMs > 0) {
      const seconds = String(Math.ceil(waitMs / 1000));
      throw new AccelerateError(
        'P5011',
        `Too many requests: this key's plan allows ${tenant.plan.requestsPerSecond} per second.`,
        {
          headers: { 'retry-after': seconds },
        },
      );
    }
    return tenant;
  }

  return async (route, request, errorReply, work) => {
    const startedAtMs = clock.now();
    const facts: ResponseFacts = { requestId: newRequestId(), keyId: undefined, cacheStatus: 'none', ageMs: 0 };
    const wish = parseTelemetryWish(request.headers.get('x-capture-telemetry') ?? undefined);
    const telemetry = createTelemetry(wish, request.headers.get('traceparent') ?? undefined);
    let status = 200;
    let body: Uint8Array | string;
    let extraHeaders: Readonly<Record<string, string>> = {};
    let failure: unknown;
    try {
      const tenant = await authenticate(request, facts);
      body = writeAnswer(await work({ request, tenant, telemetry, facts }), telemetry.extensions());
    } catch (error) {
      failure = error;
      const reply = errorReply(error);
      status = reply.status;
      extraHeaders = reply.headers;
      facts.cacheStatus = 'none';
      body = JSON.stringify({ ...reply.body, ...extensionsOf(telemetry) });
    }
    const headers = { ...createResponseHeaders(facts), ...extraHeaders };
    if (logsSuccess || failure !== undefined) {
      log(toAccelerateEvent({ route, status, failure, facts, durationMs: clock.now() - startedAtMs }));
    }
    // Response's type wants a buffer that is not shared; ours never is.
    return new Response(body as string | Uint8Array<ArrayBuffer>, { status, headers });
  };
}

function newRequestId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}

function extensionsOf(telemetry: Telemetry): { extensions?: Readonly<Record<string, unknown>> } {
  const extensions = telemetry.extensions();
  return extensions === undefined ? {} : { extensions };
}
