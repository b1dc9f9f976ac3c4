import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningProgram, runProgram, startProgram } from './running-program.ts';

export function keysSuite(): void {
  const freePorts = ['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0'];
  let folder: string;
  let database: TestDatabase;
  const started: RunningProgram[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-keys-'));
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await Promise.all(started.map((program) => program.stop('SIGTERM')));
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const keys = (...args: string[]) => runProgram(['keys', ...args], { cwd: folder });

  async function ask(http: string, key: string): Promise<unknown> {
    const response = await fetch(`${http}/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'prisma-engine-hash': '7.10.0' },
      body: JSON.stringify({
        operation: 'queryRaw',
        plan: { type: 'query', args: { type: 'rawSql', sql: 'SELECT 1 AS n', args: [], argTypes: [] } },
        params: {},
      }),
    });
    const body = (await response.json()) as { data?: { rows: unknown }; code?: string };
    return body.code ?? body.data?.rows;
  }

  /** The key as a role's password. */
  async function askSql(http: string, key: string): Promise<unknown> {
    const response = await fetch(`${http}/sql`, {
      method: 'POST',
      headers: {
        'neon-connection-string': `postgres://any:${key}@127.0.0.1/${database.name}`,
        'neon-array-mode': 'true',
      },
      body: JSON.stringify({ query: 'SELECT 1' }),
    });
    const body = (await response.json()) as { rows?: unknown; code?: string };
    return body.code ?? body.rows;
  }

  test('create shows a key once and keeps only what cannot be used; list and revoke know it by its id', async () => {
    const made = await keys('create', '--name', 'web', '--plan', 'pro', '--schema', 'shop');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const key = /^ {2}(postern_\S+)$/m.exec(made.stdout)?.[1] ?? '';
    const id = key.split('_')[1] ?? '';
    expect(made.stdout).toContain(`prisma+postgres://HOST/?api_key=${key}`);
    const file = join(folder, '.postern', 'keys.json');
    expect(readFileSync(file, 'utf8')).not.toContain(key.slice(-43));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(join(folder, '.postern', '.gitignore'))).toBe(true);
    const list = await keys('list');
    expect(list.stdout).toMatch(new RegExp(`^ID .*\\n${id} +web +default +shop +pro +\\d{4}-\\d\\d-\\d\\d\\n$`));
    expect(await keys('revoke', id)).toMatchObject({ code: 0, stdout: `Key ${id} is revoked.\n` });
    expect((await keys('list')).stdout).toContain('There are no keys');
  });

  test('a running gateway takes new keys and drops revoked ones by itself', async () => {
    const file = join(folder, 'other.json');
    const serve = startProgram(
      ['serve', ...freePorts, '--log-format', 'json', '--database-url', database.url, '--keys-file', file],
      { cwd: folder },
    );
    started.push(serve);
    const { http } = await serve.listening();
    expect(await ask(http, 'nothing')).toBe('P6002');
    const create = (...more: string[]) => keys('create', '--keys-file', file, ...more);
    const [own, shared] = [await create('--key-database-url', database.url), await create()].map(
      ({ stdout }) => /^ {2}(postern_\S+)$/m.exec(stdout)?.[1] ?? '',
    );
    expect(await ask(http, shared ?? '')).toEqual([[1]]);
    expect(await ask(http, own ?? '')).toEqual([[1]]);
    expect(readFileSync(file, 'utf8')).not.toContain(database.password);
    expect(await askSql(http, shared ?? '')).toEqual([[1]]);
    await keys('revoke', '--keys-file', file, shared?.split('_')[1] ?? '');
    expect(await ask(http, shared ?? '')).toBe('P6002');
    expect(await askSql(http, shared ?? '')).toBe('28P01');
    expect(await ask(http, own ?? '')).toEqual([[1]]);
    for (const secret of [own, shared]) expect(serve.stdout()).not.toContain(secret?.slice(-43));
  });

  test('postern dev has a key that works, in a URL to paste', async () => {
    const dev = startProgram(['dev', ...freePorts], { cwd: mkdtempSync(join(folder, 'dev-')) });
    started.push(dev);
    await dev.printed('Events:');
    const [, port, key] = /prisma\+postgres:\/\/localhost:(\d+)\/\?api_key=(\S+)/.exec(dev.stdout()) ?? [];
    expect(await ask(`http://localhost:${port}`, key ?? '')).toEqual([[1]]);
  });

  test('create knows the endpoints of its configuration, by the names the gateway gives them', async () => {
    const config = join(folder, 'endpoints.json');
    const endpoints = { Shop: { databaseUrl: 'postgres://u:p@h/d' }, open: { databaseUrl: 'postgres://h/d' } };
    writeFileSync(config, JSON.stringify({ endpoints, keysFile: join(folder, 'endpoints-keys.json') }));
    const create = (name: string) => keys('create', '--config', config, '--endpoint', name);
    expect((await create('Shop')).stdout).toMatch(/^Key \w+ for endpoint shop, /);
    expect(await create('none')).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('there is no endpoint "none"; configured are shop, open') },
    });
    expect(await create('open')).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('the database URL of endpoint "open" names no role') },
    });
  });

  test('create says so when no endpoint is configured', async () => {
    const file = join(folder, 'nowhere.json');
    const { stdout } = await keys('create', '--endpoint', 'shop', '--keys-file', file);
    expect(stdout).toContain('No endpoint is configured here: the gateway must have one named shop.');
  });

  test.each([
    [['create', '--plan', 'huge'], '--plan: there is no plan "huge"; known are free, starter, pro, business'],
    [['create', '--key-database-url', 'mysql://u:hunter2@h/d'], '--key-database-url: expected postgres://'],
    [['revoke', 'nope'], 'there is no key nope in .postern/keys.json'],
    [['revoke'], "missing required argument 'id'"],
    [[], 'say what to do; see postern keys --help'],
    [['creat'], "unknown command 'creat' (Did you mean create?)"],
  ])('postern keys %j', async (args, message) => {
    const { code, stdout, stderr } = await keys(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('hunter2');
  });

  test('a broken keys file is named, by the command and by the gateway', async () => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{"version":1}');
    const message = `the keys file ${file} is broken: expected {"version": 1, "keys": […]}`;
    expect((await keys('list', '--keys-file', file)).stderr).toContain(message);
    const serve = await runProgram(['serve', ...freePorts, '--database-url', database.url, '--keys-file', file]);
    expect(serve).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
}
