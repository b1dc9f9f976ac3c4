// The differential suite with versions of Prisma between the oldest and the newest that we claim, each judged by its own
// adapter-pg: our adapter over both transports, and from 6.17 on an Accelerate URL.

import { describeDifferences, type Operation } from '@postern/test-prisma-suite';
import { expect, test } from 'vitest';
import { openGateway as openAccelerate } from '../../accelerate/open-gateway.ts';
import { describeTransports } from '../describe-transports.ts';
import { compileProgram } from './compile-program.ts';
import { installedPrisma, versions } from './installed-prisma.ts';

/** What a version cannot do itself. */
const failures: Readonly<Record<string, readonly string[]>> = {
  '7.4.1': [
    'every column type as a filter',
    'list operators: has, hasEvery, isEmpty, push',
    'P2029: in with 70 000 ids, ordered',
  ],
  '7.4.2': ['every column type as a filter', 'P2029: in with 70 000 ids, ordered'],
};

for (const version of versions) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isBefore = (otherMinor: number): boolean => major < 7 || minor < otherMinor;
  const prisma = () => installedPrisma(version);
  const isWanted = ({ name }: Operation): boolean => failures[version]?.includes(name) !== true;
  const exceptions = {
    ...(isBefore(10) && {
      'P2003 restrict': 'its adapter-pg does not know SQLSTATE 23001, and says so without a code',
    }),
    ...(!isBefore(2) &&
      isBefore(5) && {
        'P2021 a missing table, P2022 a missing column': 'its adapter-pg misses the name of the column',
      }),
  };

  test(`Prisma ${version}: the compiler takes the adapter`, { timeout: 180_000 }, () => {
    expect(compileProgram(prisma())).toEqual([]);
  });

  describeTransports({
    title: `Prisma ${version}`,
    prisma,
    compatibility: isBefore(2) ? '6.16' : isBefore(10) ? '7.2' : '7.10',
    isWanted,
    exceptions,
  });

  if (version.startsWith('6.16.')) continue;
  describeDifferences({
    title: `Prisma ${version} with an accelerateUrl`,
    prisma,
    isWanted,
    exceptions: {
      ...exceptions,
      'an array of arrays': 'P6000 instead of an Error without a code',
      ...(isBefore(9) && {
        'a check constraint': 'P2039, which came with 7.9',
        'a failed statement makes the rest fail': 'P2039, which came with 7.9',
      }),
      ...(isBefore(2) && {
        'P2023 a value that the enum does not have': 'an Error without a code in-process',
        'invalid input for a type': 'P2039, which came with 7.9',
      }),
    },
    async open(opened, database) {
      const { gateway, url } = await openAccelerate({ databaseUrl: database.url });
      return { client: opened.openAccelerate(url), close: () => gateway.close(0) };
    },
  });
}
