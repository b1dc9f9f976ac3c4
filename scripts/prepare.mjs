// Installs what package.json asks for when it is not there yet, and builds what changed. Plain Node: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The environment of every child: our own tools first, no telemetry, no questions. */
export const environment = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  npm_config_loglevel: 'error',
  npm_config_yes: 'true',
};

/** Runs a program in the repository; returns whether it succeeded. `quiet`: what it prints is shown only when it fails. */
export function run(program, args, output = 'shown') {
  const result = spawnSync(program, args, {
    cwd: root,
    env: environment,
    stdio: output === 'shown' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error) console.error(`Cannot run ${program}: ${result.error.message}`);
  if (result.status !== 0 && output === 'quiet') process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  return result.status === 0;
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Postern needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

function installedState() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function install() {
  const stamp = join(root, 'node_modules', '.postern-installed');
  const wanted = installedState();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.log(`Installing packages (${packageManager}) …`);
  const args = ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=error'];
  if (!run('npx', ['-y', packageManager, ...args])) {
    console.error('\nThe installation failed; the reason is above. It needs the npm registry and about 2 GB of disk.');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

function build() {
  if (run('turbo', ['run', 'build', '--output-logs=errors-only'], 'quiet')) return;
  console.error('\nThe build failed; the reason is above.');
  process.exit(1);
}

/** Makes the repository ready to run. Ends the process with a reason when it cannot. */
export function prepare() {
  requireNode();
  install();
  build();
}
