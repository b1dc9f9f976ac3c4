/** The test file of one mode: starts a Postgres of its own and plays every script. */
import { type RunningPostgres, startPostgres } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scripts } from '../scripts/index.ts';
import { compareScript, explain } from './compare.ts';
import { createDatabaseLender, type DatabaseLender } from './database.ts';
import type { Server } from './direct-query.ts';
import type { OpenRoute, RouteKind } from './route.ts';

/** The neighbour's first act, for all scripts; each has its own by default. */
const wantedOffset = process.env.POSTERN_NEIGHBOUR === undefined ? undefined : Number(process.env.POSTERN_NEIGHBOUR);

export interface Mode {
  readonly openRoute: OpenRoute;
  readonly hasNeighbour: boolean;
}

export function describeConformance(mode: RouteKind, makeMode: (server: Server) => Promise<Mode>): void {
  describe(`conformance: ${mode}`, () => {
    let postgres: RunningPostgres;
    let databases: DatabaseLender;
    let made: Mode;

    beforeAll(async () => {
      postgres = await startPostgres({ authMethod: 'password', settings: { autovacuum: 'off' } });
      databases = await createDatabaseLender(postgres);
      made = await makeMode(postgres);
    });
    afterAll(async () => {
      await databases?.close();
      await postgres?.stop();
    });

    test.each(scripts)('$section $name', async (script) => {
      const neighbourOffset = script.isAboutOneConnection ? undefined : wantedOffset;
      const verdict = await compareScript(script, { server: postgres, databases, mode, neighbourOffset, ...made });
      expect(explain(script, mode, verdict)).toBe('');
    });
  });
}
