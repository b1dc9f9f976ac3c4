/** Runs a shell block in an empty folder, as a reader would who has the packages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { testCertificate } from '../../packages/gateway/src/node/certificate.fixture.ts';
import type { CodeBlock } from './code-blocks.ts';
import { programFile, testFolder } from './repository.ts';
import { runProcess } from './run-process.ts';
import type { World } from './world.ts';

const postern = `exec '${process.execPath}' '${programFile}'`;

/** Commands of a reader who has installed the packages: nothing is fetched from a registry. */
const commands: Readonly<Record<string, string>> = {
  postern: `${postern} "$@"`,
  npx: `case "$1" in postern|@postern/cli) shift; ${postern} "$@";; esac; echo "npx $1 is not part of these tests" >&2; exit 64`,
  // scripts/start.mjs without its preparation: this already runs in a prepared repository.
  npm: `test "$1" = start || { echo "npm $1 is not part of these tests" >&2; exit 64; }; shift; test "$1" != -- || shift; ${postern} dev "$@"`,
};

export async function runShell(block: CodeBlock, { network }: World): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-docs-'));
  try {
    const bin = mkdtempSync(join(folder, '.bin-'));
    for (const [name, script] of Object.entries(commands)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    writeFileSync(join(folder, 'cert.pem'), testCertificate.cert);
    writeFileSync(join(folder, 'key.pem'), testCertificate.key);
    const script = join(bin, 'block.sh');
    writeFileSync(script, `set -e\n${block.code}\n`);
    const output = await runProcess({
      command: ['/bin/sh', script],
      cwd: folder,
      environment: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: folder,
        NODE_OPTIONS: `--import ${pathToFileURL(join(testFolder, 'network-map.mjs')).href}`,
        NODE_NO_WARNINGS: '1',
        // However many cores the machine has: the block says so when it wants more.
        POSTERN_WORKERS: '1',
        POSTERN_DOCS_NETWORK: JSON.stringify(network),
        ...(process.env.POSTERN_TEST_PG_BIN === undefined ? {} : { POSTERN_PG_BIN: process.env.POSTERN_TEST_PG_BIN }),
      },
      timeoutMs: 60_000,
      ...(block.isServer ? { until: { pattern: /Events:\n|"event":"listening".*\n/, use: askHealth } } : {}),
    });
    if (block.isServer && !/stopped/.test(output)) throw new Error(`it did not stop as it should\n${output}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The gateway that has printed its address answers. */
async function askHealth(output: string): Promise<void> {
  const address = /https?:\/\/[\d.]+:\d+/.exec(output)?.[0].replace('0.0.0.0', '127.0.0.1');
  if (address === undefined) throw new Error('it does not say where it listens');
  // Over TLS the certificate would have to be trusted; that it listens was said.
  if (address.startsWith('https:')) return;
  const response = await fetch(`${address}/health`);
  if (!response.ok) throw new Error(`GET /health answered with ${response.status}`);
}
