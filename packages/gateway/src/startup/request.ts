/** What a StartupMessage asks for, with every source of options put together. */
import { type GatewayOptions, splitOptions } from '@postern/contract';
import { DatabaseError, type StartupPacket, sqlState } from '@postern/wire';
import type { EndpointDirectory, EndpointResolution } from '../endpoints/resolve-endpoint.ts';
import type { Caller } from './caller.ts';

export interface SessionRequest {
  user: string;
  database: string;
  /** It was not left to Postgres' rule. */
  isDatabaseNamed: boolean;
  resolution: EndpointResolution;
  mode: 'pooled' | 'direct';
  /** Options of the gateway's own. */
  gateway: GatewayOptions;
  /** Settings for Postgres. */
  startupParameters: ReadonlyMap<string, string>;
  /** What we will speak: 3.0 or 3.2. */
  protocolMinor: 0 | 2;
  /** The client asked for more than we speak, or for extensions: it must be told. */
  needsNegotiation: boolean;
  protocolOptions: readonly string[];
}

type StartupMessage = Extract<StartupPacket, { kind: 'startup' }>;

const newestMinor = 2;

/** Throws GatewayError for options that make no sense, and Postgres' own error for a missing user. */
export function readRequest(
  packet: StartupMessage,
  caller: Pick<Caller, 'host' | 'targetAddress' | 'urlOptions'>,
  directory: Pick<EndpointDirectory, 'resolve'>,
  serverName: string | undefined,
): SessionRequest {
  const user = packet.parameters.get('user') ?? '';
  if (user === '') {
    // In Postgres' own words: the catalogue's hint is for HTTP.
    throw new DatabaseError({
      severity: 'FATAL',
      code: sqlState.invalidAuthorizationSpecification,
      message: 'no PostgreSQL user name specified in startup packet',
      routine: 'ProcessStartupPacket',
    });
  }
  const { gateway: fromStartup, startup } = splitOptions(packet.parameters);
  const fromUrl = caller.urlOptions === undefined ? {} : splitOptions(caller.urlOptions).gateway;
  const gateway = { ...fromUrl, ...fromStartup };
  const resolution = directory.resolve({
    endpointOption: gateway.endpoint,
    address: caller.targetAddress,
    host: serverName ?? caller.host,
    pooledOption: gateway.pooled,
  });
  // Somewhere unknown is still somewhere if an API key says where.
  const wantsPool = resolution.outcome === 'found' ? resolution.isPooled : gateway.pooled === true;
  // A replication connection is a conversation of its own kind and cannot be shared (reference/pooling.md §2.16).
  const isPooled = wantsPool && !startup.has('replication');
  return {
    user,
    // Postgres' own rule for clients that name none.
    database: packet.parameters.get('database') || user,
    isDatabaseNamed: Boolean(packet.parameters.get('database')),
    resolution,
    mode: isPooled ? 'pooled' : 'direct',
    gateway,
    startupParameters: startup,
    protocolMinor: packet.minor >= newestMinor ? newestMinor : 0,
    needsNegotiation: packet.minor > newestMinor || packet.protocolOptions.length > 0,
    protocolOptions: packet.protocolOptions,
  };
}
