// JSR's own client judges what it would get; nothing leaves the machine.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { stageForJsr } from '../../scripts/stage-for-jsr.mjs';
import { readManifest, repositoryRoot } from './published-packages.ts';

const run = promisify(execFile);
const driver = join(repositoryRoot, 'packages/serverless');
const manifest = readManifest(driver);

test('jsr.json agrees with package.json', () => {
  const jsr = JSON.parse(readFileSync(join(driver, 'jsr.json'), 'utf8'));
  const modules = Object.entries(manifest.exports ?? {}).filter(([, target]) => typeof target !== 'string');
  expect(jsr).toMatchObject({
    name: manifest.name,
    license: manifest.license,
    exports: Object.fromEntries(modules.map(([name, target]) => [name, (target as Record<string, string>).default])),
  });
  // Said when it is published, so that it cannot differ.
  expect(jsr.version).toBeUndefined();
});

test('JSR would take the driver, types included', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-jsr-'));
  try {
    stageForJsr(driver, join(folder, 'staged'));
    const deno = join(repositoryRoot, 'test/packaging/node_modules/.bin/deno');
    const config = join(folder, 'staged/jsr.json');
    const { stderr } = await run(
      deno,
      ['publish', '--dry-run', '--allow-dirty', '--set-version', '1.2.3', '--config', config],
      { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, DENO_DIR: join(folder, 'deno'), NO_COLOR: '1' } },
    );
    expect(stderr).toContain('Simulating publish of @postern/serverless@1.2.3');
    expect(stderr).toContain('Dry run complete');
    expect(stderr).not.toMatch(/warning|slow types? (?:was|were)|\.map \(/i);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
