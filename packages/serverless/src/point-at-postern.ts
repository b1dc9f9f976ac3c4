/** For programs that keep `@neondatabase/serverless`. */

/** The parts of its `neonConfig` that matter here; also ours. */
export interface DriverConfig {
  fetchEndpoint: string | ((...args: never[]) => string);
  wsProxy: string | ((...args: never[]) => string);
  useSecureWebSocket: boolean;
}

/**
 * Points a driver's `neonConfig` at a gateway: `pointAtPostern(neonConfig, 'https://db.example.com')`. The connection
 * strings stay as they are; their host is not dialled any more. Throws a TypeError unless `url` is http(s) or ws(s).
 */
export function pointAtPostern(neonConfig: object, url: string): void {
  const isUrl = /^(http|ws)s?:\/\//.test(url) && URL.canParse(url);
  if (!isUrl) throw new TypeError('not the URL of a gateway: http(s)://host');
  const { protocol, host, pathname } = new URL(url);
  const path = pathname.replace(/\/$/, '');
  const isSecure = /s:$/.test(protocol);
  const settings: DriverConfig = {
    fetchEndpoint: `http${isSecure ? 's' : ''}://${host}${path}/sql`,
    wsProxy: () => `${host}${path}/v2`,
    useSecureWebSocket: isSecure,
  };
  Object.assign(neonConfig, settings);
}
