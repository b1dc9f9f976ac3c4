import { existsSync } from 'node:fs';
import pg from 'pg';
import { expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from './launcher.ts';

async function select<T>(url: string, sql: string): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    // A command without rows answers undefined.
    const [row] = (await client.query<Record<string, T>>(sql)).rows;
    return Object.values(row ?? {})[0] as T;
  } finally {
    await client.end();
  }
}

async function withPostgres(
  options: Parameters<typeof startPostgres>[0],
  use: (postgres: RunningPostgres) => Promise<void>,
): Promise<void> {
  const postgres = await startPostgres(options);
  try {
    await use(postgres);
  } finally {
    await postgres.stop();
  }
}

test('keeps its data over kill and restart, and removes it at stop', async () => {
  const postgres = await startPostgres();
  await select(postgres.url(), 'CREATE TABLE kept AS SELECT 7 AS n');
  const firstPid = postgres.pid;
  await postgres.kill();
  expect(() => postgres.pid).toThrow('not running');
  await postgres.restart();
  expect(postgres.pid).not.toBe(firstPid);
  expect(await select(postgres.url(), 'SELECT n FROM kept')).toBe(7);
  await postgres.stop();
  await postgres.stop();
  expect(existsSync(postgres.dataDir)).toBe(false);
  await expect(select(postgres.url(), 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});

test.each(['scram-sha-256', 'password', 'md5'] as const)('asks for the password with %s', async (authMethod) => {
  await withPostgres({ authMethod, password: 'p@ss/wörd' }, async (postgres) => {
    expect(await select(postgres.url(), 'SELECT 1')).toBe(1);
    const wrong = new URL(postgres.url());
    wrong.password = 'wrong';
    await expect(select(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });
});

test('takes settings, a superuser name and pg_hba lines', async () => {
  await withPostgres(
    {
      superuser: 'boss',
      settings: { max_connections: '17', work_mem: '5MB' },
      hba: ['host all guest 127.0.0.1/32 trust'],
    },
    async (postgres) => {
      expect(await select(postgres.url(), 'SHOW max_connections')).toBe('17');
      expect(await select(postgres.url(), 'SHOW work_mem')).toBe('5MB');
      await select(postgres.url(), 'CREATE ROLE guest LOGIN');
      expect(await select(`postgres://guest@127.0.0.1:${postgres.port}/postgres`, 'SELECT current_user')).toBe('guest');
    },
  );
});

test('says that a data directory is in use, a port taken, a setting wrong', async () => {
  await withPostgres({}, async (postgres) => {
    await expect(startPostgres({ dataDir: postgres.dataDir })).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await expect(startPostgres({ port: postgres.port })).rejects.toMatchObject({ code: 'port_in_use' });
    await expect(startPostgres({ settings: { shared_buffers: 'lots' } })).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('shared_buffers'),
    });
  });
});
