import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Operation, operations } from './operations/index.ts';
import { outcomeOf } from './outcome.ts';
import type { PrismaVersion, SuiteClient } from './suite-client.ts';
import { createSuiteDatabase, searchPathOption } from './suite-database.ts';

/** How one of the two sides is set up in front of a database. */
export interface SuiteSetup {
  readonly client: SuiteClient;
  close(): Promise<void>;
}

export interface DifferencesOptions {
  readonly title: string;
  readonly prisma: () => PrismaVersion;
  readonly schema?: string;
  /** What is judged. The judge is the official adapter, straight to Postgres. */
  open(prisma: PrismaVersion, database: TestDatabase): Promise<SuiteSetup>;
  /** Default: all operations. For further runs in which some of them would tell nothing new. */
  isWanted?(operation: Operation): boolean;
  /** Operations whose difference is meant, with the reason. */
  readonly exceptions?: Readonly<Record<string, string>>;
}

/** Every operation on both sides, on databases that are alike: results, error codes, messages and meta must be equal. */
export function describeDifferences({
  title,
  prisma,
  schema,
  open,
  isWanted = () => true,
  exceptions = {},
}: DifferencesOptions): void {
  describe(title, () => {
    const version = prisma();
    const databases: TestDatabase[] = [];
    let judge: SuiteClient;
    let judged: SuiteSetup;

    beforeAll(async () => {
      databases.push(await createSuiteDatabase(schema), await createSuiteDatabase(schema));
      judge = version.openDirect(withSchema(databases[0]!.url, schema), schema === undefined ? {} : { schema });
      judged = await open(version, databases[1]!);
    });
    afterAll(async () => {
      await judge?.$disconnect();
      await judged?.client.$disconnect();
      await judged?.close();
      await Promise.all(databases.map((database) => database.drop()));
    });

    for (const operation of operations.filter((one) => isKnown(one, version) && isWanted(one))) {
      test(operation.name, { timeout: operation.isLarge ? 240_000 : 120_000 }, async () => {
        const expected = await outcomeOf(() => operation.run(judge));
        // Two that fail alike where they should not would prove nothing.
        expect('error' in expected, JSON.stringify(expected)).toBe(operation.fails === true);
        const actual = await outcomeOf(() => operation.run(judged.client));
        const reason = exceptions[operation.name];
        if (reason === undefined) expect(actual).toEqual(expected);
        else expect(actual, `no longer an exception: ${reason}`).not.toEqual(expected);
      });
    }
  });
}

/** 7.10 is later than 7.5. */
function isKnown({ since = '0.0' }: Operation, { version }: PrismaVersion): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split('.').map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** Raw queries of the official adapter ignore its schema option; the search_path makes the two sides comparable. */
function withSchema(url: string, schema: string | undefined): string {
  if (schema === undefined) return url;
  const withPath = new URL(url);
  withPath.searchParams.set('options', searchPathOption(schema));
  return withPath.href;
}
