// npm run bench and npm run profile: builds the program and the bench, then runs it.
// --no-build takes both as they are; with --program the program is somebody else's and only the bench is built.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { prepare, root, run } from '../../../scripts/prepare.mjs';

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(folder, 'dist', 'main.js');
const args = process.argv.slice(2);
const isBuilt = args.includes('--no-build');

if (!isBuilt && !args.some((argument) => /^--program(=|$)/.test(argument))) prepare();
if (!isBuilt || !existsSync(main)) {
  const tsdown = join(root, 'node_modules', '.bin', 'tsdown');
  if (!run(tsdown, ['--cwd', folder], 'quiet')) process.exit(1);
}
const program = await import(pathToFileURL(main).href);
process.exit(
  await program.main(
    args.filter((argument) => argument !== '--no-build'),
    root,
  ),
);
