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
