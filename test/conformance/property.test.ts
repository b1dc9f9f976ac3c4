/** Random conversations of three sessions over a pool of one or two, judged by Postgres (§3 item 2). */
import { type RunningPostgres, startPostgres } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabaseLender, type DatabaseLender } from './harness/database.ts';
import { createDirectRoute } from './harness/direct-route.ts';
import { findDifference } from './property/find-difference.ts';

/** Give the printed seed to see a failure again: POSTERN_SEED=123 npx vitest run test/conformance/property */
const seed = Number(process.env.POSTERN_SEED ?? Date.now() % 1_000_000);
const searchMs = Number(process.env.POSTERN_PROPERTY_MS ?? 20_000);

describe('random conversations', () => {
  let postgres: RunningPostgres;
  let databases: DatabaseLender;
  beforeAll(async () => {
    postgres = await startPostgres({ authMethod: 'password', settings: { autovacuum: 'off' } });
    databases = await createDatabaseLender(postgres);
  });
  afterAll(async () => {
    await databases?.close();
    await postgres?.stop();
  });

  test('Postgres agrees with itself', { timeout: 60_000 }, async () => {
    const result = await findDifference({
      server: postgres,
      databases,
      openRoute: createDirectRoute(postgres),
      serverConnections: 1,
      seed,
      searchMs: searchMs / 4,
      shrinkMs: 20_000,
      answerLimitMs: 8_000,
    });
    console.log(`seed ${seed}: ${result.conversations} conversations, ${result.steps} steps`);
    expect(result.failure).toBeUndefined();
  });
});
