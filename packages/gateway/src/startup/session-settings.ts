import type { GatewayOptions } from '@postern/contract';
import type { SessionOptions } from '@postern/pool';

/** The options the engine acts on. Only what the caller said; the engine has its defaults for the rest. */
export function sessionSettings(options: GatewayOptions): NonNullable<SessionOptions['settings']> {
  const { poolTimeoutMs, connectTimeoutMs, connectionLimit } = options;
  return { poolTimeoutMs, connectTimeoutMs, connectionLimit };
}
