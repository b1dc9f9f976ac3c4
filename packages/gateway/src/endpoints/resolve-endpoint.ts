/**
 * Which endpoint a caller means, and whether it wants the pool. Names are only compared, never dialled:
 * whatever a caller writes, it reaches one of the configured endpoints or nothing (no open relay).
 */
import type { Endpoint } from './endpoint.ts';
import {
  type HostAndPort,
  isAddressLiteral,
  isLoopbackHost,
  parseHostAndPort,
  splitPoolerSuffix,
} from './host-name.ts';

/** Everything a caller may say about where it wants to go; the strongest first. */
export interface EndpointHints {
  /** `endpoint=` or `project=` from `options`. */
  endpointOption?: string | undefined;
  /** wsproxy's `/v1?address=host:port`. */
  address?: string | undefined;
  /** Host header, host of the connection string, or TLS server name; a port is allowed. */
  host?: string | undefined;
  /** `pooled=`, `pgbouncer=`. Undefined: the `-pooler` suffix decides. */
  pooledOption?: boolean | undefined;
}

export type EndpointResolution =
  | { outcome: 'found'; endpoint: Endpoint; isPooled: boolean }
  /** To the caller this must look exactly like a wrong password; `reason` is for the operator. */
  | { outcome: 'unknown'; reason: string }
  /** May be told: with a single endpoint there is nothing to enumerate. */
  | { outcome: 'address-refused'; address: string };

export interface EndpointDirectory {
  readonly endpoints: readonly Endpoint[];
  resolve(hints: EndpointHints): EndpointResolution;
}

export interface EndpointDirectoryOptions {
  endpoints: readonly Endpoint[];
  /** Ports this gateway listens on: an `address` that points back at ourselves is fine. */
  ownPorts: () => readonly number[];
}

/** The driver writes this port when the connection string has none. */
const impliedPort = 5432;
const defaultEndpointName = 'default';

/** Throws when there is no endpoint or two share a name. */
export function createEndpointDirectory({ endpoints, ownPorts }: EndpointDirectoryOptions): EndpointDirectory {
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const [first] = endpoints;
  if (first === undefined) throw new Error('no endpoint is configured');
  if (byName.size !== endpoints.length) throw new Error('two endpoints have the same name');
  const sole = endpoints.length === 1 ? first : undefined;

  function resolve(hints: EndpointHints): EndpointResolution {
    const host = hints.host === undefined ? undefined : parseHostAndPort(hints.host);
    const address = hints.address === undefined ? undefined : parseHostAndPort(hints.address);
    const option =
      hints.endpointOption === undefined ? undefined : splitPoolerSuffix(hints.endpointOption.toLowerCase());
    const hasSuffix = [host, address].some((name) => name !== undefined && splitPoolerSuffix(name.host).isPooled);
    const isPooled = hints.pooledOption ?? (hasSuffix || option?.isPooled === true);
    const found = (endpoint: Endpoint): EndpointResolution => ({ outcome: 'found', endpoint, isPooled });

    if (hints.address !== undefined) {
      const named = address === undefined ? undefined : endpointOfAddress(address);
      const isAllowed = named !== undefined || (address !== undefined && isOwnAddress(address, host));
      if (!isAllowed) {
        if (sole !== undefined) return { outcome: 'address-refused', address: hints.address };
        return { outcome: 'unknown', reason: `address "${hints.address}" names no endpoint` };
      }
      if (named !== undefined && option === undefined) return found(named);
    }
    if (option !== undefined) {
      const endpoint = byName.get(option.label);
      return endpoint ? found(endpoint) : { outcome: 'unknown', reason: `no endpoint "${option.label}"` };
    }
    // An address that got here is our own: it says nothing more than the name we were reached by.
    const endpoint = sole ?? endpointOfHost((host ?? address)?.host);
    if (endpoint !== undefined) return found(endpoint);
    return { outcome: 'unknown', reason: `host "${host?.host ?? ''}" names no endpoint` };
  }

  function endpointOfHost(host: string | undefined): Endpoint | undefined {
    if (host === undefined) return byName.get(defaultEndpointName);
    const { label, hostWithoutSuffix } = splitPoolerSuffix(host);
    const byHost = byName.get(label) ?? endpoints.find((endpoint) => endpoint.host.toLowerCase() === hostWithoutSuffix);
    if (byHost !== undefined) return byHost;
    // These names cannot carry an endpoint's name, so they mean the default one if there is one.
    return isAddressLiteral(host) || isLoopbackHost(host) ? byName.get(defaultEndpointName) : undefined;
  }

  function endpointOfAddress({ host, port }: HostAndPort): Endpoint | undefined {
    const { label, hostWithoutSuffix } = splitPoolerSuffix(host);
    return (
      byName.get(label) ??
      endpoints.find(
        (endpoint) =>
          (isSameHost(endpoint.host.toLowerCase(), hostWithoutSuffix) && endpoint.port === (port ?? impliedPort)) ||
          endpoint.addresses.some((text) => {
            const allowed = parseHostAndPort(text);
            return (
              allowed !== undefined &&
              isSameHost(allowed.host, hostWithoutSuffix) &&
              (allowed.port === undefined || allowed.port === (port ?? impliedPort))
            );
          }),
      )
    );
  }

  /** The caller names this gateway itself: the name it already used to reach us, or this machine and one of our ports. */
  function isOwnAddress(address: HostAndPort, host: HostAndPort | undefined): boolean {
    const port = address.port ?? impliedPort;
    const ports = ownPorts();
    if (
      host !== undefined &&
      splitPoolerSuffix(host.host).hostWithoutSuffix === splitPoolerSuffix(address.host).hostWithoutSuffix
    ) {
      return port === impliedPort || port === host.port || ports.includes(port);
    }
    return isLoopbackHost(address.host) && ports.includes(port);
  }

  return { endpoints, resolve };
}

function isSameHost(left: string, right: string): boolean {
  return left === right || (isLoopbackHost(left) && isLoopbackHost(right));
}
