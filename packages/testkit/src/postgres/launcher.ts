// The launcher is its own package, because `postern dev` starts a Postgres too and nothing in src may import testkit.
export {
  type AuthMethod,
  findFreePort,
  LauncherError,
  type RunningPostgres,
  type StartPostgresOptions,
} from '@postern/launcher';

import { type RunningPostgres, type StartPostgresOptions, startPostgres as start } from '@postern/launcher';

/** Starts a Postgres of the test's own, to be killed and restarted at will. POSTERN_TEST_PG_BIN chooses other binaries. */
export function startPostgres(options: StartPostgresOptions = {}): Promise<RunningPostgres> {
  const binDir = options.binDir ?? process.env.POSTERN_TEST_PG_BIN;
  return start(binDir ? { ...options, binDir } : options);
}
