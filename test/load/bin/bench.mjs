// npm run bench and npm run profile: builds the program and the bench, then runs it. --no-build takes both as they are.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { prepare, root, run } from '../../../scripts/prepare.mjs';

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(folder, 'dist', 'main.js');
const args = process.argv.slice(2);

if (!args.includes('--no-build') || !existsSync(main)) {
  if (!args.includes('--no-build')) prepare();
  const tsdown = join(root, 'node_modules', '.bin', 'tsdown');
  const config = ['--config', join(folder, 'tsdown.config.ts')];
  process.chdir(folder);
  if (!run(tsdown, ['--cwd', folder, ...config], 'quiet')) process.exit(1);
}
const program = await import(pathToFileURL(main).href);
process.exit(
  await program.main(
    args.filter((argument) => argument !== '--no-build'),
    root,
  ),
);
