// Prints vitest's JSON report as "N passed, N failed". A step beside vitest that failed (install, build, biome, tsc) counts as one failure.
import { readFileSync } from 'node:fs';

const [reportPath, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(reportPath, 'utf8'));
  passed = report.numPassedTests;
  // A file that could not be loaded has no failed test of its own.
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  failed = report.numFailedTests + broken.length;
} catch (error) {
  console.error(`No test report: ${error.message}`);
}
if (passed + failed === 0) failed = 1;
if (failed === 0 && status !== '0') failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
