/**
 * Where the caller reaches this gateway. A transaction's address is told to the client as an absolute URL, and the client
 * sends its key there, so this must be right.
 */

/**
 * `configured` if the operator said; else what the request itself says. Headers are taken at their word: whoever lies there
 * misleads only the caller whose request it is.
 */
export function publicOrigin(request: Request, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const { protocol, host: ownHost } = new URL(request.url);
  const host = hostOf(request.headers.get('x-forwarded-host')) ?? ownHost;
  const forwarded = first(request.headers.get('x-forwarded-proto'))?.toLowerCase();
  const isEncrypted = protocol === 'https:' || forwarded === 'https' || !isLocalName(host);
  return `${isEncrypted ? 'https' : 'http'}://${host}`;
}

/** Prisma's own rule: with such a name the client may speak plain HTTP, with any other it never does. */
function isLocalName(host: string): boolean {
  return /localhost|127\.0\.0\.1|\[::1\]/.test(host);
}

function hostOf(header: string | null): string | undefined {
  const host = first(header);
  return host !== undefined && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host) ? host : undefined;
}

/** Each proxy adds itself behind the others. */
function first(header: string | null): string | undefined {
  return header?.split(',')[0]?.trim() || undefined;
}
