/**
 * Settings of the whole program, under the names and with the meaning they have in `@neondatabase/serverless`.
 * They are global and mutable because that is what `neonConfig` is; everything can also be given per call or per client.
 */

/** Any `fetch`. */
export type FetchFunction = (url: string, init: Record<string, unknown>) => Promise<Response>;

/** What this package uses of a WebSocket. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly protocol?: string | null;
  readonly bufferedAmount?: number;
  binaryType: string;
  close(code?: number, reason?: string): void;
  send(data: Uint8Array): void;
  addEventListener(type: string, listener: (event: unknown) => void): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** `port` is '' when the connection string has none. */
export type FetchEndpoint = string | ((host: string, port: string, options: { jwtAuth: boolean }) => string);

/** Undefined: the default. */
export interface Configuration {
  /**
   * Where queries over HTTP go. Default: `https://api.<rest of the host>/sql`, as Neon has it (`apiauth.` with a token); for
   * gateways named by their address `https://host:port/sql`, http for this machine.
   */
  fetchEndpoint?: FetchEndpoint | undefined;
  /** Instead of the global `fetch`. */
  fetchFunction?: FetchFunction | undefined;
  /** Send what can be sent of `pool.query` over HTTP. Default false. */
  poolQueryViaFetch?: boolean | undefined;
  /** Accepted and ignored: every gateway pools. */
  fetchConnectionCache?: boolean | undefined;
  /** Instead of the global `WebSocket`: needed in Node 20, for example that of the package `ws`. */
  webSocketConstructor?: WebSocketConstructor | undefined;
  /** Host (and path) of the WebSocket; a text gets `?address=host:port` appended. Default: the host and `/v2`. */
  wsProxy?: string | ((host: string, port: string) => string) | undefined;
  /** wss or ws. Default true, except for hosts that are this machine. */
  useSecureWebSocket?: boolean | undefined;
  /**
   * What the server speaks. `postern`: our own subprotocol, log-in and first query ride in the upgrade request.
   * `neon`: Neon's wire. `auto` (default): tries ours with the log-in only, as nothing else may be sent twice.
   */
  protocol?: 'auto' | 'postern' | 'neon' | undefined;
  /** Send the password without being asked. Default `'password'`; false where the server wants SCRAM or MD5. */
  pipelineConnect?: 'password' | false | undefined;
  /** Accepted and ignored: writes of one turn always go out together. */
  coalesceWrites?: boolean | undefined;
  /** Accepted and ignored, as the next four: there is no TLS inside the WebSocket. */
  forceDisablePgSSL?: boolean | undefined;
  subtls?: unknown;
  rootCerts?: string | undefined;
  pipelineTLS?: boolean | undefined;
  disableSNI?: boolean | undefined;
  /** Accepted and ignored: importing or using this package never prints. */
  disableWarningInBrowsers?: boolean | undefined;
}

/** The settings of the whole program. */
export const neonConfig: Configuration = {};

/** Sets some of them. */
export function configure(settings: Configuration): void {
  Object.assign(neonConfig, settings);
}

/** A gateway started by `postern dev` or `postern serve` listens here. */
const gatewayPort = '4444';

/**
 * Where a gateway is that is named by it: this machine (no TLS), a number, a single label, or any host with a port of its
 * own (5432 is Postgres' and means nothing here). For a host name of Neon's kind it is `named`. `s` for TLS goes before `://`.
 */
export function addressOf(host: string, port: string, named: string): string {
  const isLocal = /^(localhost|127\.[\d.]+|\[?::1]?)$/.test(host);
  const own = port === '5432' ? '' : port;
  return (
    (isLocal ? '://' : 's://') +
    (own || isLocal ? `${host}:${own || gatewayPort}` : /\.[^\d.]/.test(host) ? named : host)
  );
}

/**
 * `https://api.<rest of the host>/sql` (`apiauth.` with a token), as Neon has it; for gateways named by their address
 * `https://host:port/sql`, and plain http for this machine.
 */
export function defaultFetchEndpoint(host: string, port: string, { jwtAuth }: { jwtAuth: boolean }): string {
  return `http${addressOf(host, port, host.replace(/^[^.]+/, jwtAuth ? 'apiauth' : 'api'))}/sql`;
}
