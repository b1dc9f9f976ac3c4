/** The pooling engine. See README.md and ARCHITECTURE.md. */
export type { ByteStream, StreamSecurity } from './byte-stream.ts';
export { processNumberOf } from './cancel-keys.ts';
export type { Clock, Timer } from './clock.ts';
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type EngineStats,
  type Session,
  type SessionOptions,
} from './engine.ts';
export type { EngineEvent } from './engine-context.ts';
export { FinalDialError, PoolError, type PoolErrorCode } from './errors.ts';
export { FrontViews } from './front-views.ts';
export type { Dial, Identity, Secret, Target } from './identity.ts';
export { defaultLimits, type EngineLimits, resolveLimits } from './limits.ts';
export { createMemoryStreamPair } from './memory-stream.ts';
export type { PermitHolder, PermitPool, PermitSource } from './permit-ledger.ts';
export type { PoolStats } from './pool-stats.ts';
