import type { Config } from './config/config-schema.ts';
import type { ListenAddress } from './config/listen-address.ts';
import type { TlsFiles } from './config/read-tls.ts';
import type { Event } from './log/event.ts';

/** The gateway as the program sees it. */
export interface OpenGateway {
  /** Where it really listens: the port is never 0. */
  readonly http: ListenAddress;
  readonly tcp: ListenAddress;
  /** Stops accepting, lets running transactions finish for so long, closes everything. */
  close(graceMs: number): Promise<void>;
}

export interface OpenGatewayOptions {
  readonly config: Config;
  readonly endpoints: readonly {
    name: string;
    databaseUrl: string;
    poolSize?: number;
    addresses?: readonly string[];
  }[];
  readonly tls: TlsFiles | undefined;
  log(event: Event): void;
}

/** Opens all ports in front of the endpoints. */
export async function openGateway(_options: OpenGatewayOptions): Promise<OpenGateway> {
  throw new Error('the gateway is not there yet');
}
