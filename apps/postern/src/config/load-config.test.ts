import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Config, configJsonSchema } from './config-schema.ts';
import { type ConfigValue, environmentKeys } from './environment.ts';
import { loadConfig } from './load-config.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, 'test.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(given: { flags?: ConfigValue[]; env?: NodeJS.ProcessEnv; file?: string }): Config {
  return loadConfig({ flags: given.flags ?? [], environment: given.env ?? {}, file: given.file });
}

const flag = (name: string, value: unknown): ConfigValue => ({ path: [name], value, origin: `--${name}` });

test('has defaults for everything', () => {
  expect(load({})).toEqual({
    http: { host: '127.0.0.1', port: 4444 },
    tcp: { host: '127.0.0.1', port: 6432 },
    keysFile: '.postern/keys.json',
    logFormat: 'pretty',
    shutdownGrace: 10_000,
  });
});

test('a flag wins over the variable, the variable over the file', () => {
  const path = file({ http: '1.1.1.1:1', tcp: '1.1.1.1:2', poolSize: 1 });
  const env = { POSTERN_TCP: '2.2.2.2:3', POSTERN_POOL_SIZE: '2' };
  expect(load({ file: path, env, flags: [flag('poolSize', 3)] })).toMatchObject({
    http: { host: '1.1.1.1', port: 1 },
    tcp: { host: '2.2.2.2', port: 3 },
    poolSize: 3,
  });
});

test('DATABASE_URL is used when nothing else names a database', () => {
  const env = { DATABASE_URL: 'postgres://platform/db' };
  expect(load({ env }).databaseUrl).toBe('postgres://platform/db');
  expect(load({ env, flags: [flag('databaseUrl', 'postgres://mine/db')] }).databaseUrl).toBe('postgres://mine/db');
  const path = file({ endpoints: { a: { databaseUrl: 'postgres://a/db' } } });
  expect(load({ env, file: path }).databaseUrl).toBeUndefined();
});

test('every key has a variable; groups of named things are JSON in it', () => {
  expect(environmentKeys().map(({ variable }) => variable)).toEqual([
    'POSTERN_DATABASE_URL',
    'POSTERN_ENDPOINTS',
    'POSTERN_HTTP',
    'POSTERN_TCP',
    'POSTERN_POOL_SIZE',
    'POSTERN_MULTIPLEXING',
    'POSTERN_WORKERS',
    'POSTERN_TLS_CERT',
    'POSTERN_TLS_KEY',
    'POSTERN_ACCEPT_PLAIN_PASSWORDS',
    'POSTERN_MAX_CALLERS',
    'POSTERN_MAX_SERVER_CONNECTIONS',
    'POSTERN_CLIENT_IDLE_TIMEOUT',
    'POSTERN_LOGIN_IDLE_TIMEOUT',
    'POSTERN_TRANSACTIONS_MAX_TRANSACTIONS',
    'POSTERN_TRANSACTIONS_IDLE_TIMEOUT',
    'POSTERN_TRANSACTIONS_TOTAL_TIMEOUT',
    'POSTERN_TRANSACTIONS_MAX_TOTAL_TIMEOUT',
    'POSTERN_POOL_TIMEOUT',
    'POSTERN_CONNECT_TIMEOUT',
    'POSTERN_KEYS_FILE',
    'POSTERN_PLANS',
    'POSTERN_CACHE_SIZE',
    'POSTERN_PUBLIC_URL',
    'POSTERN_LOG_FORMAT',
    'POSTERN_LOG_REQUESTS',
    'POSTERN_SHUTDOWN_GRACE',
  ]);
  const env = {
    POSTERN_ENDPOINTS: '{"main":{"databaseUrl":"postgres://a/db"}}',
    POSTERN_TLS_CERT: 'c.pem',
    POSTERN_TLS_KEY: 'k.pem',
    POSTERN_ACCEPT_PLAIN_PASSWORDS: 'true',
  };
  expect(load({ env })).toMatchObject({
    endpoints: { main: { databaseUrl: 'postgres://a/db' } },
    tls: { cert: 'c.pem', key: 'k.pem' },
    acceptPlainPasswords: true,
  });
});

describe('says where the wrong value is and what is allowed', () => {
  test.each<[what: string, given: Parameters<typeof load>[0], message: string]>([
    ['a flag', { flags: [flag('http', 'x')] }, '--http: expected HOST:PORT, for example 127.0.0.1:4444'],
    [
      'a variable',
      { env: { POSTERN_POOL_SIZE: 'many' } },
      'POSTERN_POOL_SIZE: expected a whole number from 1 to 10000',
    ],
    ['a time', { env: { POSTERN_SHUTDOWN_GRACE: '10' } }, 'POSTERN_SHUTDOWN_GRACE: expected a time with its unit'],
    ['bad JSON in a variable', { env: { POSTERN_ENDPOINTS: '{' } }, 'POSTERN_ENDPOINTS: expected record'],
    [
      'inside JSON in a variable',
      { env: { POSTERN_ENDPOINTS: '{"a":{"databaseUrl":"x"}}' } },
      'POSTERN_ENDPOINTS: a.databaseUrl: expected postgres://',
    ],
    [
      'a database URL inside JSON in a variable',
      { env: { POSTERN_ENDPOINTS: '{"a":{"databaseUrl":"postgres://h/d?sslmode=x"}}' } },
      'POSTERN_ENDPOINTS: a.databaseUrl: the database URL has sslmode=x',
    ],
    ['a size', { env: { POSTERN_CACHE_SIZE: '5' } }, 'POSTERN_CACHE_SIZE: expected a size with its unit'],
    [
      'a path',
      { env: { POSTERN_PUBLIC_URL: 'https://a/b' } },
      'POSTERN_PUBLIC_URL: expected https://HOST, without a path',
    ],
    ['half a group', { env: { POSTERN_TLS_CERT: 'c' } }, 'POSTERN_TLS_CERT is set, but tls.key is not'],
  ])('%s', (_, given, message) => {
    expect(() => load(given)).toThrow(message);
  });

  test('in the file: unknown keys, wrong types, bad JSON, no file', () => {
    expect(() => load({ file: file({ htp: '1:1' }) })).toThrow(/test\.json: unknown key "htp"; known are .*http/);
    expect(() => load({ file: file({ endpoints: { a: { url: 1 } } }) })).toThrow('test.json: endpoints.a');
    expect(() => load({ file: file({ tcp: 6432 }) })).toThrow('test.json: tcp: expected string, received number');
    expect(() => load({ file: file('[]') })).toThrow('test.json: expected an object');
    expect(() => load({ file: file('{"a":}') })).toThrow('test.json is not valid JSON');
    expect(() => load({ file: join(folder, 'nothing.json') })).toThrow('cannot read the configuration');
  });

  test('never with the password of a database URL', () => {
    const load1 = () => load({ env: { POSTERN_DATABASE_URL: 'postgre://u:hunter2@h/d' } });
    expect(load1).toThrow('POSTERN_DATABASE_URL: expected postgres://');
    expect(load1).not.toThrow('hunter2');
  });

  test.each([
    ['{"databaseUrl": "postgres://u:hunter2@h/d",}', 1],
    ['{\n  "databaseUrl": "postgres://u:hunter2"@h/d"\n}', 2],
    ['{\n  "databaseUrl": "postgres://u:hunter2\n@h/d"\n}', 2],
    ['{\n  "databaseUrl": postgres://u:hunter2@h/d\n}', 2],
    ['{\n  "http": "x",\n  "databaseUrl": "postgres://u:hunter2@h/d"\n', 4],
  ])('nor with what the JSON parser quotes of it: %j', (text, line) => {
    const loadFile = () => load({ file: file(text) });
    expect(loadFile).toThrow(new RegExp(`test\\.json is not valid JSON: look at line ${line}$`));
  });
});

test('postern.schema.json is what the schema says (vitest -u writes it)', async () => {
  await expect(`${JSON.stringify(configJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('../../postern.schema.json');
});
