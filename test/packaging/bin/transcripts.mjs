// npm run transcripts: makes the repository ready and plays the first steps (transcripts/write.ts).
import { join } from 'node:path';
import { prepare, root, run } from '../../../scripts/prepare.mjs';

prepare();
const folder = join(root, 'test/packaging');
process.exitCode = run(join(folder, 'node_modules/.bin/tsx'), [
  join(folder, 'transcripts/write.ts'),
  ...process.argv.slice(2),
])
  ? 0
  : 1;
