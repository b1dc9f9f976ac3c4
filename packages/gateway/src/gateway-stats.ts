import type { EngineStats } from '@postern/pool';

/** What operators see of a gateway. Plain data. */
export interface GatewayStats extends EngineStats {
  /** Over WebSocket and TCP, logged in or not. */
  readonly callers: number;
}
