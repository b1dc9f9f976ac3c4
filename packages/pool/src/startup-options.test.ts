import { expect, test } from 'vitest';
import { parseStartupOptions } from './startup-options.ts';

function settingsOf(options: string, more: Record<string, string> = {}): [Record<string, string>, string | undefined] {
  const { settings, error } = parseStartupOptions(new Map([['options', options], ...Object.entries(more)]));
  return [Object.fromEntries(settings), error];
}

// pg_split_opts and process_postgres_switches in Postgres' sources.
test.each([
  ['-c work_mem=64MB', { work_mem: '64MB' }],
  ['-cwork_mem=64MB', { work_mem: '64MB' }],
  ['--work_mem=64MB', { work_mem: '64MB' }],
  ['--statement-timeout=5s', { statement_timeout: '5s' }],
  ['  -c a=1   -c\tb=2\n', { a: '1', b: '2' }],
  ['-c a=1 -c a=2', { a: '2' }],
  ['-c search_path=a\\ b,c', { search_path: 'a b,c' }],
  ['-c x=a\\\\b', { x: 'a\\b' }],
  ['-c x=a\\', { x: 'a\\' }],
  ['-c x==', { x: '=' }],
  ['-c app.name=', { 'app.name': '' }],
  ['-S 4096', { work_mem: '4096' }],
  ['-S4096', { work_mem: '4096' }],
  ['', {}],
])('%j', (options, expected) => {
  expect(settingsOf(options)).toEqual([expected, undefined]);
});

test.each([
  ['-c', '-c  requires a value'],
  ['-c work_mem', '-c work_mem requires a value'],
  ['--work_mem', '--work_mem requires a value'],
  ['-c =x', '-c =x requires a value'],
  ['work_mem=1', 'invalid command-line argument for server process: work_mem=1'],
  ['-x -y', 'invalid command-line argument for server process: -x'],
])('%j is refused', (options, error) => {
  expect(settingsOf(options)[1]).toBe(error);
});

test('a parameter of its own beats one in options', () => {
  expect(settingsOf('-c TimeZone=UTC -c a=1', { TimeZone: 'Mars' })[0]).toEqual({ TimeZone: 'Mars', a: '1' });
  expect(parseStartupOptions(new Map([['a', '1']]))).toEqual({ settings: new Map([['a', '1']]), error: undefined });
});
