import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from '../usage-error.ts';

/** What a running `postern dev` tells about itself in its folder. */
export interface RunningDev {
  readonly pid: number;
  readonly http: string;
  readonly tcp: string;
}

/** The folder `postern dev` keeps its database in. */
export interface DevFolder {
  readonly path: string;
  /** Data directory of the embedded Postgres of this major version. */
  readonly dataDir: string;
  /** The program that uses this folder now, as far as it told. */
  runningDev(): RunningDev | undefined;
  announce(running: RunningDev): void;
  withdraw(): void;
}

const postgresMajor = 18;

/** Creates the folder when it is missing, with a .gitignore that keeps it out of everybody's repository. */
export function openDevFolder(folder: string): DevFolder {
  const path = resolve(folder);
  const note = join(path, 'dev.json');
  try {
    // Only in a folder of our own: in somebody's it would hide all they have.
    if (mkdirSync(path, { recursive: true }) !== undefined) writeFileSync(join(path, '.gitignore'), '*\n');
  } catch (error) {
    throw new StartError(`cannot use the folder ${path}: ${(error as Error).message}; choose another with --data-dir`);
  }
  return {
    path,
    dataDir: join(path, `postgres-${postgresMajor}`),
    runningDev() {
      try {
        // Written by `announce`; anything else in it counts as absent.
        const running = JSON.parse(readFileSync(note, 'utf8')) as RunningDev;
        return isAlive(running.pid) ? running : undefined;
      } catch {
        return undefined;
      }
    },
    announce: (running) => writeFileSync(note, `${JSON.stringify(running)}\n`),
    withdraw: () => rmSync(note, { force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is somebody else's, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
