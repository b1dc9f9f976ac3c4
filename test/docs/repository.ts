import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** This folder: generated code lies below it, so that packages are found from there. */
export const testFolder: string = join(repositoryRoot, 'test/docs');

/** The program, as it is published. */
export const programFile: string = join(repositoryRoot, 'apps/postern/bin/postern.js');
