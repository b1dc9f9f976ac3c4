// npm test: prepares the repository, then runs every check and every test, also after one of them failed.
// Arguments after `--` go to vitest.
import { prepare, run } from './prepare.mjs';

prepare();
const checks = [
  ['biome', ['check', '--error-on-warnings', '.']],
  ['tsc', ['-p', 'tsconfig.json']],
  // The site's, with the types of a browser.
  ['tsc', ['-p', 'test/docs']],
  [
    'vitest',
    ['run', '--reporter=default', '--reporter=json', '--outputFile.json=.vitest/report.json', ...process.argv.slice(2)],
  ],
];
const failed = checks.filter(([program, args]) => !run(program, args)).map(([program]) => program);
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
