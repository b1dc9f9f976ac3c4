import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectStream, createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunningProgram, startProgram } from './running-program.ts';

export function serveSuite(): void {
  let database: TestDatabase;
  const started: RunningProgram[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((program) => program.stop('SIGKILL')));
  });
  afterAll(() => database.drop());

  const freePorts = ['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0'];

  function serve(args: string[] = [], environment: Record<string, string> = {}): RunningProgram {
    const program = startProgram(['serve', ...freePorts, '--log-format', 'json', ...args], {
      environment: { DATABASE_URL: database.url, ...environment },
    });
    started.push(program);
    return program;
  }

  /** A caller over TCP, on the address of the `listening` line. */
  async function caller(tcp: string): Promise<pg.Client> {
    const url = new URL(database.url);
    const client = new pg.Client({
      connectionString: `${url.href.replace(url.host, new URL(tcp).host)}?options=pooled%3Dtrue`,
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  test('tells where it listens in its first line, answers there, and stops with 0', async () => {
    const program = serve();
    const { http, tcp } = await program.listening();
    expect(program.stdout().split('\n')[0]).toMatch(
      /^\{"event":"listening","http":"http:\/\/127\.0\.0\.1:\d+","tcp":"postgres:\/\/127\.0\.0\.1:\d+"\}$/,
    );
    expect((await fetch(`${http}/health`)).status).toBe(200);
    const client = await caller(tcp);
    expect((await client.query('SELECT 1 + 1 AS two')).rows).toEqual([{ two: 2 }]);
    await client.end();
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    for (const line of program.stdout().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
    expect(program.stderr()).toBe('');
  });

  test('prints addresses and events for people', async () => {
    const program = serve(['--log-format', 'pretty']);
    await program.printed('Events:');
    expect(program.stdout()).toMatch(
      /HTTP and WebSocket {3}http:\/\/127\.0\.0\.1:\d+\n {2}Postgres protocol {4}postgres:\/\//,
    );
    const client = await caller(/postgres:\/\/[\d.:]+/.exec(program.stdout())?.[0] ?? '');
    await client.query('SELECT 1');
    await client.end();
    await program.printed('session ended');
    expect(await program.stop('SIGINT')).toMatchObject({ code: 0 });
  });

  test('a running transaction may finish after SIGTERM, new callers are not let in', async () => {
    const program = serve();
    const { tcp } = await program.listening();
    const client = await caller(tcp);
    await client.query('CREATE TABLE finished (n int)');
    await client.query('BEGIN');
    await client.query('INSERT INTO finished VALUES (1)');
    const exit = program.stop('SIGTERM');
    await program.printed('"stopping"');
    const { hostname, port } = new URL(tcp);
    await expect
      .poll(() =>
        connectStream(hostname, Number(port)).then(
          () => 'connected',
          (error) => error.code,
        ),
      )
      .toBe('ECONNREFUSED');
    await client.query('INSERT INTO finished VALUES (2)');
    await client.query('COMMIT');
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(await database.query('SELECT count(*)::int AS n FROM finished')).toEqual([{ n: 2 }]);
  });

  test('a transaction that outlasts the grace period is rolled back', async () => {
    const program = serve(['--shutdown-grace', '200ms']);
    const { tcp } = await program.listening();
    const client = await caller(tcp);
    await client.query('CREATE TABLE cut (n int)');
    await client.query('BEGIN');
    await client.query('INSERT INTO cut VALUES (1)');
    expect(await program.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await database.query('SELECT count(*)::int AS n FROM cut')).toEqual([{ n: 0 }]);
  });

  test('the second signal does not wait', async () => {
    const program = serve(['--shutdown-grace', '10m']);
    const { tcp } = await program.listening();
    const client = await caller(tcp);
    await client.query('BEGIN');
    program.child.kill('SIGINT');
    await program.printed('"stopping"');
    expect(await program.stop('SIGINT')).toMatchObject({ code: 1 });
  });

  test('a limit from the environment holds: six callers share two server connections', async () => {
    const program = serve([], { POSTERN_POOL_SIZE: '2', POSTERN_SHUTDOWN_GRACE: '1s' });
    const { tcp } = await program.listening();
    const clients = await Promise.all(Array.from({ length: 6 }, () => caller(tcp)));
    await Promise.all(clients.map((client) => client.query('SELECT pg_sleep(0.05)')));
    const [row] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    expect(row?.n).toBeGreaterThan(0);
    expect(row?.n).toBeLessThanOrEqual(2);
    await Promise.all(clients.map((client) => client.end()));
  });

  test('SIGHUP reads the configuration again: what cannot change is named, what is wrong is refused, nobody is dropped', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-reload-'));
    const config = join(folder, 'postern.json');
    writeFileSync(config, '{"poolSize": 2}');
    const program = serve(['--config', config]);
    const client = await caller((await program.listening()).tcp);
    writeFileSync(config, '{"poolSize": 3, "shutdownGrace": "100ms"}');
    program.child.kill('SIGHUP');
    await program.printed('"changed":["shutdownGrace"],"needRestart":["poolSize"]');
    writeFileSync(config, '{"poolSize": "many"}');
    program.child.kill('SIGHUP');
    await program.printed(`"event":"reload_refused","error":"${config}: poolSize: expected a whole number`);
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.query('BEGIN');
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    expect(program.stdout()).toContain('"graceMs":100');
    rmSync(folder, { recursive: true });
  });

  test('no password is printed anywhere', async () => {
    const role = `secretive_${database.name}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'hunter2-of-the-caller'`);
    const operator = new URL(database.url);
    const program = serve([
      '--database-url',
      operator.href.replace(`:${database.password}@`, ':hunter2-of-the-operator@'),
    ]);
    const { http, tcp } = await program.listening();
    const connect = (password: string): Promise<unknown> => {
      const client = new pg.Client({
        connectionString: database.urlFor(role, password).replace(operator.host, new URL(tcp).host),
      });
      client.on('error', () => {});
      return client.connect().then(
        () => client.end(),
        (error) => error,
      );
    };
    await connect('hunter2-of-the-caller');
    await connect('hunter2-typed-wrong');
    await fetch(`${http}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': 'postgres://x:hunter2-over-http@h/d' },
      body: '{"query":"SELECT 1","params":[]}',
    });
    await program.stop();
    expect(program.stdout()).toContain('caller_refused');
    expect(program.stdout() + program.stderr()).not.toContain('hunter2');
    await database.query(`DROP ROLE ${role}`);
  });
}
