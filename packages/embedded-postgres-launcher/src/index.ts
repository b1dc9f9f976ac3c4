export { findFreePort } from './free-port.ts';
export { LauncherError, type LauncherErrorCode } from './launcher-error.ts';
export type { ServerExit, StopMode } from './server-process.ts';
export { type AuthMethod, type RunningPostgres, type StartPostgresOptions, startPostgres } from './start-postgres.ts';
