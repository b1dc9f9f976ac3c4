/** One request to `/sql`: headers, waiting for a database that is not ready, and every failure as a PosternError. */
import { cacheTagsHeader } from '@postern/contract';
import { backOff } from '../back-off.ts';
import { defaultFetchEndpoint, type FetchFunction, neonConfig } from '../config.ts';
import { createError, PosternError } from '../postern-error.ts';
import { computed, connectTimeoutMs, resolveConnection } from './connection.ts';
import { defined, type HTTPTransactionOptions } from './options.ts';

/** Those that are undefined are not sent. */
export type Headers = Readonly<Record<string, string | number | boolean | undefined>>;

/** Sends a body with headers and options. */
export type Send = (body: unknown, headers: Headers, options: HTTPTransactionOptions) => Promise<Response>;

/** Raised before anything of the caller's ran: starting up, no free connection. */
const notReady = /^(57P03|53300|0800[14])$/;
/** Of a body that is not JSON, as part of a message. */
const maxQuotedCharacters = 300;

/** Posts `body`; the answer is a good one. Repeats only what cannot have run, within `connect_timeout`. */
export async function post(
  body: unknown,
  extraHeaders: Headers,
  options: HTTPTransactionOptions,
  /** Hears of every answer, those that are errors too. */
  onAnswer?: (response: Response) => void,
): Promise<Response> {
  const url = await resolveConnection(options);
  const {
    authToken,
    cache,
    endpoint = neonConfig.fetchEndpoint ?? defaultFetchEndpoint,
    fetchOptions,
    signal,
  } = options;
  const token = await computed(authToken).catch((error: unknown) => {
    throw createError('usage', `Error getting auth token: ${(error as Error)?.message ?? error}`, undefined, {
      sourceError: error as Error,
    });
  });
  const headers = defined({
    'neon-connection-string': `postgresql${url.href.slice(3)}`,
    'neon-raw-text-output': 'true',
    'neon-array-mode': 'true',
    authorization: token ? `Bearer ${token}` : undefined,
    'cache-control': cache && `max-age=${cache.ttl ?? 0}, stale-while-revalidate=${cache.swr ?? 0}`,
    [cacheTagsHeader]: cache?.tags?.join(),
    ...extraHeaders,
    ...(fetchOptions?.headers as Headers), // as mergeOptions leaves them
  });
  const target = await computed(endpoint, url.hostname, url.port, { jwtAuth: authToken != null });

  const giveUpAt = performance.now() + connectTimeoutMs(url.searchParams.get('connect_timeout'));
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await ((neonConfig.fetchFunction ?? fetch) as FetchFunction)(target, {
        method: 'POST',
        redirect: 'manual', // or wherever it leads would get the connection string
        body: JSON.stringify(body),
        ...fetchOptions,
        headers,
        signal,
      });
      onAnswer?.(response);
      if (response.ok) return response;
      await readBody(response);
    } catch (failure) {
      const error = failureOf(failure);
      // A procedure that raises one of these may have committed before; the gateway's own have no routine.
      const wasRaised = error.severity === 'ERROR' && error.routine;
      const mayRepeat = error.safeToRetry && !wasRaised && notReady.test(error.code as string);
      if (!mayRepeat || !(await backOff(attempt, giveUpAt, signal))) throw error;
    }
  }
}

/** Without what is before an @ if it quotes URLs: some runtimes quote the header they did not like, proxies the request. */
function redacted(text: unknown): string {
  return `${text}`.replace(/\/\/[^\s/]*@/g, '//');
}

/** What to throw when `fetch`, or reading its answer, failed. */
export function failureOf(failure: unknown): PosternError {
  if (failure instanceof PosternError) return failure;
  const { code, cause } = Object(failure) as { code?: unknown; cause?: { code?: unknown } };
  const trace = String([failure, code, cause, cause?.code]);
  // Never reached the server, whatever the runtime calls it: nobody listens (yet). A connection that breaks may bring some of
  // these words, too, but not behind `connect`.
  const safeToRetry = /refused|eai_again|connect e\w+unreach|err_connect_|tooopen|\(connect\)/i.test(trace);
  return createError(
    'connection',
    `Error connecting to database: ${redacted(failure)}`,
    /^(Abort|Timeout)Error/.test(trace) ? '57014' : safeToRetry ? '08001' : '08006',
    { safeToRetry, sourceError: redacted(trace) === trace ? (failure as Error) : undefined },
  );
}

/** For promises of parts of an answer. */
export function lost(failure: unknown): never {
  throw failureOf(failure);
}

/** Reads the whole body. Throws what it says, or that it is not what the route gives. */
export async function readBody(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch(lost);
  const body = parseJson(text);
  if (!body || !response.ok) throw answerError(response, text, body);
  return body;
}

/** `body`: an error as the gateway, or Neon, writes it, null for what does not apply; anything else is quoted. */
export function answerError(
  { headers, status }: Response,
  text = 'no result',
  body?: Readonly<Record<string, unknown>>,
): PosternError {
  const isError = body?.message;
  return createError(
    isError ? 'database' : 'protocol',
    `${isError || `Server error (HTTP status ${status}): ${redacted(text).slice(0, maxQuotedCharacters)}`}`,
    undefined,
    {
      status,
      // Neon does not say so, but these end a session only when it could not begin.
      safeToRetry: body?.severity === 'FATAL' && notReady.test(body.code as string),
      // The id is what to quote to the operator.
      ...defined({ requestId: headers.get('neon-request-id'), ...((isError as object) && body) }),
    },
  );
}

/** undefined for what is not JSON. */
export function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {}
  return undefined;
}
