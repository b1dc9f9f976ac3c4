/** One request to `/sql`: headers, waiting for a database that is not ready, and every failure as a PosternError. */
import { defaultFetchEndpoint, type FetchFunction, neonConfig } from '../config.ts';
import { type ErrorDetails, PosternError } from '../postern-error.ts';
import { resolveConnection } from './connection.ts';
import { type HTTPTransactionOptions, headersOf } from './options.ts';

/** Never reached the server, whatever the runtime calls it: nobody listens (yet). */
const neverSent = /REFUSED|EAI_AGAIN|UNREACH|UND_ERR_CONNECT|ConnectionRefused|FailedToOpen|\(Connect\)/;
/** Raised before anything of the caller's ran: starting up, no free connection. */
const notReady = /^(57P03|53300|0800[14])$/;

const firstDelayMs = 50;
const longestDelayMs = 1_000;
/** Of a body that is not JSON, as part of a message. */
const maxQuotedCharacters = 300;

/** Posts `body` and gives the answer if it is a good one. Repeats only what cannot have run, within `connect_timeout`. */
export async function post(
  connectionText: string | undefined,
  body: unknown,
  extraHeaders: Readonly<Record<string, string | undefined>>,
  options: HTTPTransactionOptions,
  /** Hears of every answer, those that are errors too. */
  onAnswer?: (response: Response) => void,
): Promise<Response> {
  const { connectionString, host, port, secret, connectTimeoutMs } = await resolveConnection(connectionText, options);
  const { authToken, cache, endpoint = neonConfig.fetchEndpoint ?? defaultFetchEndpoint, fetchOptions = {} } = options;
  const signal = options.signal ?? (fetchOptions.signal as AbortSignal | undefined);
  const url = typeof endpoint === 'function' ? endpoint(host, port, { jwtAuth: authToken !== undefined }) : endpoint;
  const token = await resolveToken(authToken);
  const text = JSON.stringify(body);
  const headers: Record<string, string | undefined> = {
    'Neon-Connection-String': connectionString,
    'Neon-Raw-Text-Output': 'true',
    'Neon-Array-Mode': 'true',
    Authorization: token ? `Bearer ${token}` : undefined,
    'Cache-Control': cache && `max-age=${cache.ttl ?? 0}${cache.swr ? `, stale-while-revalidate=${cache.swr}` : ''}`,
    'Postern-Cache-Tags': cache?.tags?.join(','),
    ...extraHeaders,
  };
  const added = headersOf(fetchOptions.headers);
  for (const [name, value] of Object.entries(headers)) {
    if (!value || name.toLowerCase() in added) delete headers[name];
  }
  const init = {
    method: 'POST',
    body: text,
    ...fetchOptions,
    headers: { ...headers, ...added },
    ...(signal && { signal }),
  };

  const giveUpAt = Date.now() + connectTimeoutMs;
  for (let attempt = 0; ; attempt++) {
    let error: PosternError;
    try {
      const response = await ((neonConfig.fetchFunction ?? fetch) as FetchFunction)(url, init);
      onAnswer?.(response);
      if (response.ok) return response;
      error = await errorOf(response);
    } catch (failure) {
      error = unreachable(failure, secret);
    }
    if (!error.safeToRetry || !notReady.test(error.code ?? '')) throw error;
    // Half of it by chance, so that those who failed together do not come back together.
    const delayMs = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs) * (0.5 + Math.random() / 2);
    if (signal?.aborted || Date.now() + delayMs > giveUpAt) throw error;
    await new Promise((resolve) => {
      setTimeout(resolve, delayMs);
      signal?.addEventListener('abort', resolve);
    });
  }
}

async function resolveToken(authToken: HTTPTransactionOptions['authToken']): Promise<string | undefined> {
  try {
    return typeof authToken === 'function' ? await authToken() : authToken;
  } catch (error) {
    const why = error instanceof Error ? `: ${error.message}` : '.';
    throw new PosternError(`Error getting auth token${why}`, { kind: 'usage', sourceError: error as Error });
  }
}

/** `fetch` itself, or reading its answer, failed. */
export function unreachable(failure: unknown, secret = ''): PosternError {
  const { name, code, cause } = Object(failure) as { name?: string; code?: unknown; cause?: { code?: unknown } };
  const trace = `${failure} ${code} ${cause} ${cause?.code}`;
  const safeToRetry = neverSent.test(trace);
  // Some runtimes quote the header they did not like.
  const mayTell = !secret || !trace.includes(secret);
  return new PosternError(`Error connecting to database: ${mayTell ? failure : 'the request could not be made'}`, {
    kind: 'connection',
    code: /^(Abort|Timeout)Error/.test(`${name}`) ? '57014' : safeToRetry ? '08001' : '08006',
    safeToRetry,
    sourceError: mayTell ? (failure as Error) : undefined,
  });
}

/** The body of an error as the gateway, or Neon, writes it: null for what does not apply. */
export function databaseError(body: Readonly<Record<string, unknown>>, details: ErrorDetails = {}): PosternError {
  const fields = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value ?? undefined]));
  return new PosternError(String(body.message), {
    ...details,
    // Neon does not say so, but these two end a session only when it could not begin.
    safeToRetry: body.severity === 'FATAL' && /^(57P03|53300)$/.test(String(body.code)),
    ...fields,
  });
}

/** What to quote to the operator. */
export function idOf({ headers, status }: Response): ErrorDetails {
  return { requestId: headers.get('neon-request-id') ?? undefined, status };
}

async function errorOf(response: Response): Promise<PosternError> {
  const { status } = response;
  const details = idOf(response);
  const text = await response.text().catch(() => '');
  const body = parseJson(text);
  if (typeof body?.message === 'string') return databaseError(body, details);
  return new PosternError(`Server error (HTTP status ${status}): ${text.slice(0, maxQuotedCharacters)}`, {
    ...details,
    kind: 'protocol',
  });
}

/** undefined for what is not a JSON object. */
export function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
