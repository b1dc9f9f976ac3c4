import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { testCertificate } from '../../packages/gateway/src/node/certificate.fixture.ts';
import { type RunningProgram, runProgram, startProgram } from './running-program.ts';

export function devSuite(): void {
  const here = dirname(fileURLToPath(import.meta.url));
  const freePorts = ['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0'];
  const started: RunningProgram[] = [];
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-dev-'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((program) => program.stop('SIGTERM')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function dev(args: string[] = [], environment: Record<string, string> = {}): RunningProgram {
    const program = startProgram(['dev', ...freePorts, ...args], { cwd: folder, environment });
    started.push(program);
    return program;
  }

  async function query(tcp: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client({
      connectionString: `${tcp.replace('postgres://', 'postgres://postgres:postgres@')}/postgres`,
    });
    await client.connect();
    const { rows } = await client.query(sql);
    await client.end();
    return rows;
  }

  test('keeps its data from run to run, also after being killed', async () => {
    const first = dev(['--log-format', 'json']);
    await query((await first.listening()).tcp, 'CREATE TABLE kept AS SELECT 1 AS n');
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = dev(['--log-format', 'json']);
    await query((await second.listening()).tcp, 'INSERT INTO kept VALUES (2)');
    await second.stop('SIGKILL');

    const third = dev(['--log-format', 'json']);
    expect(await query((await third.listening()).tcp, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('a second one in the same folder says that it is already running, and where', async () => {
    const { http, tcp } = await (async () => {
      const program = dev(['--log-format', 'json']);
      return program.listening();
    })();
    const { code, stdout, stderr } = await runProgram(['dev', ...freePorts], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^postern: postern dev is already running in this folder \(process \d+, .*\n$/);
    expect(stderr).toContain(`${http}, ${tcp}`);
    expect(await query(tcp, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  test('the printed driver snippet works as it is, over HTTP and WebSocket', async () => {
    // The developer's own DATABASE_URL is none of our business.
    const program = dev([], { DATABASE_URL: 'postgres://somewhere/else' });
    await program.printed('Events:');
    const output = program.stdout();
    expect(output).toMatch(
      /pooled {15}postgres:\/\/postgres:postgres@127\.0\.0\.1:\d+\/postgres\?options=pooled%3Dtrue/,
    );
    expect(output).toMatch(/^psql 'postgres:\/\/.*'$/m);
    runDriverSnippet(output);
  });

  test('with a certificate too', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, testCertificate.cert);
    writeFileSync(key, testCertificate.key);
    const program = dev(['--tls-cert', cert, '--tls-key', key]);
    await program.printed('Events:');
    expect(program.stdout()).toMatch(/HTTP and WebSocket {3}https:/);
    runDriverSnippet(program.stdout(), { NODE_EXTRA_CA_CERTS: cert });
  });

  /** As a reader would: pasted into a file, beside the packages it needs. */
  function runDriverSnippet(output: string, environment: Record<string, string> = {}): void {
    const start = output.indexOf('import { neon,');
    const file = join(here, `snippet-${process.pid}.tmp.mjs`);
    writeFileSync(file, output.slice(start, output.indexOf('\n2. ', start)));
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
        env: { PATH: process.env.PATH, ...environment },
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain("HTTP: [ { greeting: 'hello', answer: 42 } ]");
      expect(stdout).toMatch(/WebSocket: \[\s*\{\s*version:\s*'PostgreSQL /);
    } finally {
      rmSync(file);
    }
  }
}
