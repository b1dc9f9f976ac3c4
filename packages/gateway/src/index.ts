/** The gateway as a library; the program around it is apps/postern. */
export type { EndpointConfig } from './endpoints/endpoint.ts';
export type { CallerFacts, GatewayEvent, LogEvent } from './events.ts';
export { createGateway, type Gateway, type GatewayConfig, type GatewayPlatform, type GatewayStats } from './gateway.ts';
export { createNodeAuthCrypto } from './node/auth-crypto.ts';
export { createNodeClock } from './node/clock.ts';
export { createDial, type DialOptions } from './node/dial.ts';
export { ListenError, type ListenOn } from './node/listen.ts';
export { type RunningGateway, type StartGatewayOptions, startGateway } from './node/server.ts';
export type { TlsCertificate } from './node/tcp-server.ts';
