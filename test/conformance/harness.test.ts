/** The judge judged: a wrong pooler must be caught, and only where it is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningPostgres, startPostgres } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAcceptedDifference } from './harness/accepted-difference.ts';
import { compareScript, explain } from './harness/compare.ts';
import { createDatabaseLender, type DatabaseLender } from './harness/database.ts';
import { createNaivePoolerRoute } from './harness/naive-pooler.ts';
import { diffTraces } from './harness/trace-diff.ts';
import { findDifference } from './property/find-difference.ts';
import { shrink } from './property/shrink.ts';
import { scripts } from './scripts/index.ts';

describe('the harness', () => {
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

  async function judge(name: string, neighbourOffset?: number): Promise<string> {
    const script = scripts.find((known) => known.name === name)!;
    const openRoute = createNaivePoolerRoute(postgres);
    const verdict = await compareScript(script, {
      server: postgres,
      databases,
      mode: 'tcp-pooled',
      openRoute,
      hasNeighbour: neighbourOffset !== undefined,
      ...(neighbourOffset === undefined ? {} : { neighbourOffset }),
    });
    return explain(script, 'tcp-pooled', { ...verdict, acceptedDiff: '' });
  }

  test.each([
    'pipeline-one-segment',
    'implicit-transaction-second-failure-rolls-back-first',
    'copy-in-simple',
    'portal-loop-with-flush',
  ])('finds nothing wrong with a naive pooler in %s without a neighbour', async (name) => {
    expect(await judge(name)).toBe('');
  });

  // The second column is the neighbour's first act: the one that shows what is wrong, or one that gets there in time.
  test.each([
    ['state-set-role', 4, 'script_role'],
    ['settings-stay-across-statements', 0, 'work_mem'],
    ['state-temporary-tables', 16, 'items'],
    ['unnamed-of-two-sessions', 2, 'of b'],
    ['named-same-name-in-two-sessions', 1, '42P05'],
    ['cursor-with-hold-outlives-its-transaction', 20, 'c1'],
    ['notify-both-listen', 14, 'NotificationResponse'],
    ['settings-date-style-in-shared-texts', 0, 'DateStyle'],
  ] as const)('catches a naive pooler in %s', async (name, neighbourOffset, evidence) => {
    const found = await judge(name, neighbourOffset);
    expect(found).not.toBe('');
    expect(found).toContain(evidence);
  });

  test('random conversations catch a naive pooler and shrink', { timeout: 60_000 }, async () => {
    const result = await findDifference({
      server: postgres,
      databases,
      openRoute: createNaivePoolerRoute(postgres),
      serverConnections: 1,
      seed: 11,
      searchMs: 10_000,
      shrinkMs: 3_000,
      answerLimitMs: 300,
    });
    expect(result.failure).toMatch(/seed 11, conversation \d+, \d+ steps shrunk to \d+:\n {2}await [abc]\.send/);
  });
});

describe('diffTraces', () => {
  test('is empty for equal traces and names session and line otherwise', () => {
    const before = new Map([['A', ['one', 'two', 'three']]]);
    expect(diffTraces(before, new Map(before))).toBe('');
    expect(diffTraces(before, new Map([['A', ['one', '2', 'three', 'four']]]))).toBe('@@ A @@\n-2 two\n+2 2\n+4 four');
    expect(diffTraces(before, new Map())).toBe('@@ A @@\n-1 one\n-2 two\n-3 three');
  });
});

describe('parseAcceptedDifference', () => {
  const file = '# a-script\n\nBecause.\n\nModes: tcp-pooled, ws-pooled-cut\n\n```diff\n@@ A @@\n-1 x\n```\n';

  test('reads reason, modes and diff', () => {
    expect(parseAcceptedDifference(file, 'file')).toEqual({
      reason: 'Because.',
      modes: ['tcp-pooled', 'ws-pooled-cut'],
      diff: '@@ A @@\n-1 x',
    });
  });

  test('refuses a difference without a reason', () => {
    expect(() => parseAcceptedDifference(file.replace('Because.\n', ''), 'file')).toThrow('file: expected');
  });
});

describe('accepted/', () => {
  const folder = join(import.meta.dirname, 'accepted');

  test.each(readdirSync(folder))('%s has a reason and belongs to a script', (file) => {
    const name = file.replace(/\..*$/, '');
    expect(scripts.map((script) => script.name)).toContain(name);
    const accepted = parseAcceptedDifference(readFileSync(join(folder, file), 'utf8'), file);
    expect(['tcp-pooled', 'tcp-pooled-moving', 'tcp-direct', 'ws-pooled-cut']).toEqual(
      expect.arrayContaining([...accepted.modes]),
    );
  });
});

test('every script has a name of its own', () => {
  expect(new Set(scripts.map((script) => script.name)).size).toBe(scripts.length);
});

describe('shrink', () => {
  test('keeps only what is needed', async () => {
    const fails = async (list: readonly number[]): Promise<boolean> => list.includes(7) && list.includes(13);
    expect(await shrink([...Array(40).keys()], fails, () => true)).toEqual([7, 13]);
  });
});
