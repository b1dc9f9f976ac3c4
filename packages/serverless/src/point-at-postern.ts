/** For programs that keep `@neondatabase/serverless`. */

/** The parts of its `neonConfig` that matter here; also ours. */
export interface DriverConfig {
  fetchEndpoint: string | ((...args: never[]) => string);
  wsProxy: string | ((...args: never[]) => string);
  useSecureWebSocket: boolean;
}

/**
 * Points a driver's `neonConfig` at a gateway: `pointAtPostern(neonConfig, 'https://db.example.com')`. The connection
 * strings stay as they are; their host is not dialled any more. Throws a TypeError unless `url` is http(s) or ws(s), with
 * nothing but a host, a port and a path.
 */
export function pointAtPostern(neonConfig: object, url: string): void {
  const [, tls, base] = /^(?:http|ws)(s?):\/\/([^?#@]+?)\/?$/.exec(url) ?? [];
  if (!base || !URL.canParse(url)) throw new TypeError('not the URL of a gateway: http(s)://host');
  Object.assign(neonConfig, {
    fetchEndpoint: `http${tls}://${base}/sql`,
    wsProxy: () => `${base}/v2`,
    useSecureWebSocket: Boolean(tls),
  } satisfies DriverConfig);
}
