/** The gateway as a library; the program around it is apps/postern. */
export { type ParsedDatabaseUrl, parseDatabaseUrl } from './endpoints/database-url.ts';
export type { EndpointConfig } from './endpoints/endpoint.ts';
export type { CallerFacts, GatewayEvent, LogEvent } from './events.ts';
export { createGateway, type Gateway, type GatewayConfig, type GatewayPlatform } from './gateway.ts';
export type { GatewayStats } from './gateway-stats.ts';
export { emptyKeyFile, type KeyEntry, type KeyFile } from './keys/key-entry.ts';
export { createKey, entryFor, fixedKeys, joinKeys, type KeySource, type NewKey } from './keys/key-ring.ts';
export { createNodeAuthCrypto } from './node/auth-crypto.ts';
export { createNodeClock } from './node/clock.ts';
export { createDial, type DialOptions } from './node/dial.ts';
export { createKeyFileSource, type KeyFileSourceOptions, readKeyFile, writeKeyFile } from './node/key-file.ts';
export { ListenError, type ListenOn, listen } from './node/listen.ts';
export { type RunningGateway, type StartGatewayOptions, startGateway } from './node/server.ts';
export type { TlsCertificate } from './node/tcp-server.ts';
export { defaultPlans, type Plan, type PlanName, type PlanSettings } from './plans/plan.ts';
export { type Coordinator, createCoordinator, type WorkerLine } from './workers/coordinator.ts';
export type { ToPrimary, ToWorker } from './workers/messages.ts';
export { createWorkerSeat, type WorkerSeat } from './workers/worker-seat.ts';
