/** What the gateway's process and the tests say to one another. */
import type { GatewayStats } from '@postern/gateway';

export type FromGateway =
  | { readonly kind: 'listening'; readonly httpPort: number; readonly tcpPort: number }
  | { readonly kind: 'event'; readonly event: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stats'; readonly stats: GatewayStats };

export type ToGateway = 'stats' | 'stop';
