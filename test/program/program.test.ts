import { beforeAll, describe } from 'vitest';
import { commandLineSuite } from './command-line.suite.ts';
import { dataProxySuite } from './data-proxy.suite.ts';
import { devSuite } from './dev.suite.ts';
import { keysSuite } from './keys.suite.ts';
import { buildProgram } from './running-program.ts';
import { serveSuite } from './serve.suite.ts';
import { workersSuite } from './workers.suite.ts';

// One test file, because building replaces what the others would be running.
beforeAll(buildProgram);
describe('command line', commandLineSuite);
describe('postern serve', serveSuite);
describe('postern serve --workers', workersSuite);
describe('postern dev', devSuite);
describe('postern keys', keysSuite);
describe('Prisma without an engine', dataProxySuite);
