/** Which client asks, from its `Prisma-Engine-Hash`: query plans are compiled there and differ from version to version. */
import type { PrismaRuntimeLevel } from '@postern/prisma-mapping';
import { AccelerateError } from './accelerate-error.ts';

export interface ClientVersion {
  readonly text: string;
  readonly major: number;
  /** Plans from before 7.4.2 need `rewritePlan`. */
  readonly hasOldPlans: boolean;
  /** Decides the wording of errors, so that they are the ones of this version's own adapters. */
  readonly level: PrismaRuntimeLevel;
}

const supported = '6.17 to 6.19 with engineType "client", and 7.0 to 7.10';

/** Throws AccelerateError P6006 for versions whose plans are not understood. */
export function parseClientVersion(hash: string | undefined): ClientVersion {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:[-+].*)?$/.exec(hash ?? '');
  if (match === null) {
    throw new AccelerateError('P6006', `the version of Prisma Client is not known; supported are ${supported}`);
  }
  const [text, ...parts] = match;
  const [major = 0, minor = 0, patch = 0] = parts.map(Number);
  const isSupported = (major === 6 && minor >= 17 && minor <= 19) || (major === 7 && minor <= 10);
  if (!isSupported) {
    throw new AccelerateError(
      'P6006',
      `Prisma Client ${text.slice(0, 40)} is not supported; supported are ${supported}`,
    );
  }
  const isBefore = (otherMinor: number, otherPatch: number): boolean =>
    major < 7 || minor < otherMinor || (minor === otherMinor && patch < otherPatch);
  return {
    text,
    major,
    hasOldPlans: isBefore(4, 2),
    level: isBefore(2, 0) ? '6.16' : isBefore(10, 0) ? '7.2' : '7.10',
  };
}
