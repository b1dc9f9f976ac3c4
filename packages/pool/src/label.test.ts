import { decodeQuery } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import {
  createLabels,
  guardedSql,
  quoteIdentifier,
  quoteLiteral,
  replaySql,
  resetSql,
  restoreBaselineSql,
} from './label.ts';

function settings(values: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(values));
}

function resetOf(values: Record<string, string>, channels: readonly string[] = []): string {
  return decodeQuery(createLabels().intern(settings(values), channels).resetQuery.subarray(5));
}

describe('quoting', () => {
  test.each([
    ['', "E''"],
    ["it's", "E'it''s'"],
    ['a\\b', "E'a\\\\b'"],
    ["\\'; DROP TABLE t; --", "E'\\\\''; DROP TABLE t; --'"],
    ['"$user", public', `E'"$user", public'`],
  ])('the constant of %j', (text, quoted) => {
    expect(quoteLiteral(text)).toBe(quoted);
    // Backslashes and quotes come in pairs.
    expect(quoted.slice(2, -1).replaceAll(/\\\\|''/g, '')).not.toMatch(/['\\]/);
  });

  test('identifiers', () => {
    expect(quoteIdentifier('a"b')).toBe('"a""b"');
    expect(resetOf({}, ['x"; DROP TABLE t; --'])).toBe(guardedSql(`${resetSql}; LISTEN "x""; DROP TABLE t; --"`));
  });
});

describe('labels', () => {
  test('equal settings are one label, whatever their order', () => {
    const labels = createLabels();
    const a = labels.intern(settings({ x: '1', y: '2' }), ['c', 'd']);
    expect(labels.intern(settings({ y: '2', x: '1' }), ['d', 'c'])).toBe(a);
    expect(labels.intern(settings({ x: '1', y: '3' }), ['c', 'd'])).not.toBe(a);
    expect(labels.intern(settings({ x: '1', y: '2' }), ['c'])).not.toBe(a);
    expect(labels.intern(new Map(), [])).toBe(labels.none);
  });

  test('a name cannot pass for another by what it contains', () => {
    const labels = createLabels();
    expect(labels.intern(settings({ a: '1","b":"2' }), [])).not.toBe(labels.intern(settings({ a: '1', b: '2' }), []));
  });

  test('are remembered within a bound; one forgotten only costs a reset', () => {
    const labels = createLabels(2);
    const first = labels.intern(settings({ x: '1' }), []);
    labels.intern(settings({ x: '2' }), []);
    labels.intern(settings({ x: '3' }), []);
    expect(labels.intern(settings({ x: '1' }), [])).not.toBe(first);
  });

  test('the reset of an unknown connection is as for none, but waited for', () => {
    const { none, unknown } = createLabels();
    expect(unknown.resetQuery).toBe(none.resetQuery);
    expect([none.isHazardous, unknown.isHazardous]).toEqual([false, true]);
  });
});

describe('the reset', () => {
  test('undoes everything but prepared statements, the role before the rest', () => {
    expect(resetOf({})).toBe(guardedSql(resetSql));
    expect(resetSql.indexOf('SESSION AUTHORIZATION')).toBeLessThan(resetSql.indexOf('RESET ALL'));
    expect(resetSql).not.toMatch(/DEALLOCATE|DISCARD ALL/);
  });

  test('is a transaction, which stays open when it fails: what follows in the same write is then refused', () => {
    expect(resetOf({ work_mem: '1' })).toMatch(/^BEGIN ISOLATION LEVEL READ COMMITTED; .*; COMMIT$/);
  });

  test('sets what the session had, roles last: they may forbid the rest', () => {
    expect(resetOf({ role: 'r', a: "it's", session_authorization: 's', z: '1' })).toBe(
      guardedSql(
        `${resetSql}; SELECT pg_catalog.set_config(E'a', E'it''s', false), pg_catalog.set_config(E'z', E'1', false), ` +
          "pg_catalog.set_config(E'session_authorization', E's', false), pg_catalog.set_config(E'role', E'r', false)",
      ),
    );
    expect(replaySql(new Map())).toBe('');
  });

  test.each([
    [{ statement_timeout: '10ms' }, true],
    [{ lock_timeout: '1s' }, true],
    [{ transaction_timeout: '1s' }, true],
    [{ statement_timeout: '0' }, false],
    [{ work_mem: '64MB' }, false],
  ])('under %j it is hazardous: %s', (values, isHazardous) => {
    expect(createLabels().intern(settings(values), []).isHazardous).toBe(isHazardous);
  });

  test.each([
    ['role', true],
    ['session_authorization', true],
    ['default_text_search_config', true],
    ['temp_buffers', true],
    ['work_mem', false],
    ['TimeZone', false],
    ['statement_timeout', false],
    ['app.tenant', false],
  ])('of %s may be refused later: %s', (name, mayBeRefused) => {
    expect(createLabels().intern(settings({ [name]: '1' }), []).mayBeRefused).toBe(mayBeRefused);
  });
});

describe('the parse context', () => {
  function contextOf(values: Record<string, string>): string {
    return createLabels().intern(settings(values), []).parseContext;
  }

  test('is empty for settings that do not change how text is read', () => {
    expect(contextOf({ work_mem: '64MB', statement_timeout: '1s', application_name: 'x' })).toBe('');
  });

  test.each([
    'DateStyle',
    'IntervalStyle',
    'TimeZone',
    'standard_conforming_strings',
    'client_encoding',
    'search_path',
    'role',
  ])('tells %s apart', (name) => {
    expect(contextOf({ [name]: 'a' })).not.toBe('');
    expect(contextOf({ [name]: 'a' })).not.toBe(contextOf({ [name]: 'b' }));
    expect(contextOf({ [name]: 'a', work_mem: '1' })).toBe(contextOf({ work_mem: '2', [name]: 'a' }));
  });
});

describe('the baseline', () => {
  const baseline = settings({ search_path: "it's", TimeZone: 'UTC', role: 'r', 'App.x': '1' });

  test('comes back only where no value of the session’s own is in force', () => {
    const sql = restoreBaselineSql(baseline, new Set(['search_path', 'timezone']), false);
    expect(sql).toContain("VALUES (E'search_path', E'it''s'), (E'TimeZone', E'UTC')");
    expect(sql).toContain("ELSE s.source OPERATOR(pg_catalog.<>) 'session' END");
  });

  test('comes back to what is reset alone', () => {
    expect(restoreBaselineSql(baseline, new Set(['work_mem']), true)).toBe('');
    expect(restoreBaselineSql(baseline, new Set(['role']), true)).toBe(`SET "role" = E'r'`);
    expect(restoreBaselineSql(baseline, new Set(['app.x']), true)).toBe(`SET "App"."x" = E'1'`);
    expect(restoreBaselineSql(baseline, new Set(['search_path']), true)).toContain('set_config');
    expect(restoreBaselineSql(baseline, new Set(['*']), true)).not.toContain("E'role'");
  });
});

test('only a reset that is more than ASCII depends on what the connection reads', () => {
  const labels = createLabels();
  expect(labels.intern(settings({ 'app.name': 'ete' }), []).encodingQuery).toBeUndefined();
  expect(labels.intern(settings({ 'app.name': 'été' }), []).encodingQuery).toBeDefined();
  expect(labels.intern(settings({}), ['été']).encodingQuery).toBeDefined();
});
