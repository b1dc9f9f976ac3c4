/** Host names and `host:port` addresses as callers write them. Nothing here is ever dialled. */

export interface HostAndPort {
  host: string;
  /** Undefined when the caller gave none. */
  port: number | undefined;
}

const poolerSuffix = '-pooler';

/** `host`, `host:port`, `[v6]:port`, in any letter case. Undefined when it is none of these. */
export function parseHostAndPort(text: string): HostAndPort | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/@?#]+)(?::(\d{1,5}))?$/.exec(text.trim().toLowerCase());
  if (match?.[1] === undefined) return undefined;
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return { host: match[1].replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''), port };
}

/** Whether a name means this very machine. `localhost` and everything below it do (RFC 6761). */
export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    /^127\.\d+\.\d+\.\d+$/.test(host) ||
    /^::ffff:127\.\d+\.\d+\.\d+$/.test(host)
  );
}

/** An address literal has no labels an endpoint could be named by. */
export function isAddressLiteral(host: string): boolean {
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** First label without `-pooler`, and whether the suffix was there: `ep-1-pooler.eu.example.com` → `ep-1`, pooled. */
export function splitPoolerSuffix(host: string): { label: string; hostWithoutSuffix: string; isPooled: boolean } {
  if (isAddressLiteral(host)) return { label: host, hostWithoutSuffix: host, isPooled: false };
  const dot = host.indexOf('.');
  const label = dot === -1 ? host : host.slice(0, dot);
  const rest = dot === -1 ? '' : host.slice(dot);
  if (!label.endsWith(poolerSuffix) || label === poolerSuffix)
    return { label, hostWithoutSuffix: host, isPooled: false };
  const name = label.slice(0, -poolerSuffix.length);
  return { label: name, hostWithoutSuffix: name + rest, isPooled: true };
}
