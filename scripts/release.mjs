// npm run release: gives npm, and JSR the driver, every version they do not have yet. The release workflow calls it after
// the version pull request was merged. `--dry-run` does everything but that.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root, run } from './prepare.mjs';
import { stageForJsr } from './stage-for-jsr.mjs';

const isDryRun = process.argv.includes('--dry-run');
const denoVersion = '2.9.6';

/** In the order in which they may depend on one another. */
const published = ['packages/serverless', 'packages/prisma-adapter', 'apps/postern'];

function isOnNpm({ name, version }) {
  const { stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], { cwd: root, encoding: 'utf8' });
  return stdout.trim() === version;
}

function fail(what) {
  console.error(`\nThe release stopped: ${what}. What was published before stays; run it again to go on.`);
  process.exit(1);
}

/** pnpm packs, because it writes real versions for `workspace:`; npm publishes, because it brings the provenance. */
function toNpm(folder, work) {
  const into = mkdtempSync(join(work, 'npm-'));
  if (!run('pnpm', ['--dir', folder, 'pack', '--pack-destination', into], 'quiet')) fail(`${folder} cannot be packed`);
  const tarball = join(into, readdirSync(into)[0]);
  const how = isDryRun ? ['--dry-run'] : ['--provenance'];
  if (!run('npm', ['publish', tarball, '--access', 'public', ...how])) fail(`npm did not take ${folder}`);
}

function toJsr(folder, version, work) {
  const staged = join(work, 'jsr');
  stageForJsr(join(root, folder), staged);
  const args = ['-y', `deno@${denoVersion}`, 'publish', '--allow-dirty', '--set-version', version];
  const config = ['--config', join(staged, 'jsr.json')];
  if (!run('npx', [...args, ...config, ...(isDryRun ? ['--dry-run'] : [])])) fail(`JSR did not take ${folder}`);
}

function release() {
  prepare();
  const work = mkdtempSync(join(tmpdir(), 'postern-release-'));
  try {
    for (const folder of published) {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      if (isOnNpm(manifest)) console.log(`${manifest.name}@${manifest.version} is on npm already.`);
      else toNpm(folder, work);
      // JSR says so itself when it has a version.
      if (folder === 'packages/serverless') toJsr(folder, manifest.version, work);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  // Prints the "New tag:" lines from which the action makes the releases on GitHub.
  if (!isDryRun && !run('changeset', ['tag'])) fail('the tags could not be made');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) release();
