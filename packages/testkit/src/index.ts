export { createFakeClock, type FakeClock } from './fake-clock.ts';
export { createFaultyStreamPair, type Faults, type FaultyStreamPair } from './faulty-stream.ts';
export {
  type AuthMethod,
  findFreePort,
  LauncherError,
  type RunningPostgres,
  type StartPostgresOptions,
  startPostgres,
} from './postgres/launcher.ts';
export { createTestDatabase, type TestDatabase } from './postgres/test-database.ts';
export { connectRaw, type RawClient, type RawClientOptions } from './raw-client.ts';
export {
  createScriptedConnection,
  createScriptedPostgres,
  type FrontendMessage,
  frontendNames,
  type ScriptedConnection,
  type ScriptedPostgres,
} from './scripted-postgres.ts';
export { connectStream, streamFromSocket } from './socket-stream.ts';
export { type BackendMessage, trace, traceMessage } from './wire-trace.ts';
