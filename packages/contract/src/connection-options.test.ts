import { describe, expect, test } from 'vitest';
import { splitOptions } from './connection-options.ts';

const split = (parameters: Record<string, string>) => {
  const { gateway, startup, ignored } = splitOptions(new Map(Object.entries(parameters)));
  return { gateway, startup: Object.fromEntries(startup), ignored };
};

describe('gateway options', () => {
  test.each<[Record<string, string>, object]>([
    [{ pooled: 'true' }, { pooled: true }],
    [{ pooled: 'OFF' }, { pooled: false }],
    [{ pgbouncer: 'true' }, { pooled: true }],
    [{ pgbouncer: 'false' }, {}],
    [{ pgbouncer: 'true', pooled: 'false' }, { pooled: false }],
    [{ pooled: 'false', pgbouncer: 'true' }, { pooled: false }],
    [{ connection_limit: '1' }, { connectionLimit: 1 }],
    [{ Connection_Limit: '10000' }, { connectionLimit: 10_000 }],
    [{ pool_timeout: '10' }, { poolTimeoutMs: 10_000 }],
    [{ pool_timeout: '0' }, { poolTimeoutMs: 0 }],
    [{ pool_timeout: '0.25' }, { poolTimeoutMs: 250 }],
    [{ pool_timeout: '0.00001' }, { poolTimeoutMs: 1 }],
    [{ connect_timeout: '5' }, { connectTimeoutMs: 5000 }],
    [{ endpoint: 'EP-1' }, { endpoint: 'ep-1' }],
    [{ project: 'ep-1' }, { endpoint: 'ep-1' }],
    [{ project: 'ep-1', endpoint: 'ep-2' }, { endpoint: 'ep-2' }],
    [{ api_key: 'k' }, { apiKey: 'k' }],
  ])('%j', (parameters, gateway) => {
    expect(split(parameters)).toEqual({ gateway, startup: {}, ignored: [] });
  });

  test.each<[Record<string, string>, string]>([
    [{ pooled: 'maybe' }, 'connection option "pooled" has the value "maybe"; allowed: true or false'],
    [{ pgbouncer: '' }, 'connection option "pgbouncer" has the value ""; allowed: true or false'],
    [
      { connection_limit: '0' },
      'connection option "connection_limit" has the value "0"; allowed: a whole number from 1 to 10000',
    ],
    [
      { connection_limit: '10001' },
      'connection option "connection_limit" has the value "10001"; allowed: a whole number from 1 to 10000',
    ],
    [
      { connection_limit: '1e3' },
      'connection option "connection_limit" has the value "1e3"; allowed: a whole number from 1 to 10000',
    ],
    [
      { pool_timeout: '-1' },
      'connection option "pool_timeout" has the value "-1"; allowed: a number of seconds from 0 to 86400 (0 = no limit)',
    ],
    [
      { connect_timeout: '86401' },
      'connection option "connect_timeout" has the value "86401"; allowed: a number of seconds from 0 to 86400 (0 = no limit)',
    ],
    [
      { endpoint: 'a/b' },
      'connection option "endpoint" has the value "a/b"; allowed: a name of letters, digits, "-", "_" and "."',
    ],
    [{ api_key: '' }, 'connection option "api_key" has the value ""; allowed: an API key'],
    [
      { work_mem: '1\0' },
      'connection option "work_mem" has the value "1\\u0000"; allowed: text without NUL characters',
    ],
    [
      { pooled: 'x'.repeat(99) },
      `connection option "pooled" has the value "${'x'.repeat(40)}…"; allowed: true or false`,
    ],
    [{ options: '-c pooled=maybe' }, 'connection option "pooled" has the value "maybe"; allowed: true or false'],
  ])('refuses %j', (parameters, message) => {
    expect(() => split(parameters)).toThrow(expect.objectContaining({ code: 'invalid_connection_option', message }));
  });
});

describe('settings and the rest', () => {
  test('everything unknown is a setting of Postgres; user and database are not', () => {
    expect(
      split({ user: 'u', database: 'd', application_name: 'a', statement_timeout: '5s', DateStyle: 'ISO' }),
    ).toEqual({
      gateway: {},
      startup: { application_name: 'a', statement_timeout: '5s', DateStyle: 'ISO' },
      ignored: [],
    });
  });

  test('what node-postgres reads of a connection string for itself is ignored as well', () => {
    const ofPg = { query_timeout: '5000', keepAlive: 'true', idleTimeoutMillis: '1', connectionTimeoutMillis: '2' };
    expect(split(ofPg)).toEqual({ gateway: {}, startup: {}, ignored: Object.keys(ofPg) });
    expect(split({ options: '-c query_timeout=5000' }).startup).toEqual({});
  });

  test.each<Record<string, string>>([
    { sslmode: 'require', channel_binding: 'require', socket_timeout: '3', '_pq_.x': '1' },
    // As hosts hand them out, and as postgres.js and others read them.
    { supa: 'base-pooler.x', workaround: 'supabase-pooler.vercel', encoding: 'utf8', charset: 'utf8', native: 'true' },
    { pool_size: '3', idle_timeout: '20', max_lifetime: '60', prepare: 'false' },
    { replication: 'off' },
  ])('what only client libraries understand is ignored, and said so: %j', (parameters) => {
    expect(split(parameters)).toEqual({ gateway: {}, startup: {}, ignored: Object.keys(parameters) });
  });

  test('replication is for Postgres', () => {
    for (const replication of ['database', 'true', '']) expect(split({ replication }).startup).toEqual({ replication });
  });

  test.each<[Record<string, string>, object]>([
    [{ schema: 'My "s' }, { search_path: '"My ""s", public' }],
    [{ schema: 'public' }, { search_path: '"public"' }],
    [{ schema: 'Public' }, { search_path: '"Public", public' }],
    [{ schema: 'a', search_path: 'b, public' }, { search_path: 'b, public' }],
    [{ search_path: 'b', schema: 'a' }, { search_path: 'b' }],
    [{ currentSchema: 'a' }, { search_path: '"a", public' }],
    [{ fallback_application_name: 'psql' }, { application_name: 'psql' }],
    [{ fallback_application_name: 'psql', application_name: 'a' }, { application_name: 'a' }],
  ])('%j', (parameters, startup) => {
    expect(split(parameters).startup).toEqual(startup);
  });
});

describe('words inside options', () => {
  test.each<[string, object, object]>([
    ['-c a=b', {}, { a: 'b' }],
    ['-ca=b --c-d=e', {}, { a: 'b', c_d: 'e' }],
    ['  -c\ta=b\\ c\\\\d  ', {}, { a: 'b c\\d' }],
    ['-c a=b=c --d=', {}, { a: 'b=c', d: '' }],
    ['endpoint=ep-1', { endpoint: 'ep-1' }, {}],
    ['project=ep-1 -c a=b pooled=true', { endpoint: 'ep-1', pooled: true }, { a: 'b' }],
    ['-c pool_timeout=3 --connection-limit=2', { poolTimeoutMs: 3000, connectionLimit: 2 }, {}],
    ['neon_lsn:0/1 neon_proxy_params_compat:true', {}, {}],
    ['-c schema=s', {}, { search_path: '"s", public' }],
    ['-B 10 -c a=b -e', {}, { a: 'b', options: '-B 10 -e' }],
    ['nonsense=1 more\\ words', {}, { options: 'nonsense=1 more\\ words' }],
    ['-c', {}, { options: '-c' }],
    ['-c nonsense', {}, { options: '-c nonsense' }],
    ['--nonsense', {}, { options: '--nonsense' }],
    ['trailing\\', {}, { options: 'trailing' }],
    ['', {}, {}],
  ])('%j', (options, gateway, startup) => {
    expect(split({ options })).toMatchObject({ gateway, startup });
    expect(split({ options }).startup).toEqual(startup);
  });

  test('a parameter of its own wins, whatever the case of its name', () => {
    expect(
      split({
        options: '-c datestyle=German pooled=true --pool-timeout=1',
        DateStyle: 'ISO',
        pgbouncer: 'true',
        pool_timeout: '2',
      }),
    ).toEqual({
      gateway: { pooled: true, poolTimeoutMs: 2000 },
      startup: { DateStyle: 'ISO' },
      ignored: [],
    });
    expect(split({ options: 'pooled=false', pooled: 'true' }).gateway).toEqual({ pooled: true });
  });
});
