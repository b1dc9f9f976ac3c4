import { expect, test } from 'vitest';
import { mayBeSeveral, splitStatements } from './split-statements.ts';

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  ['empty statements and comments', ' ;; -- a;\n /* b; /* c; */ d; */ ;', []],
  ['one', ' SELECT 1 ', ['SELECT 1']],
  ['two', 'SELECT 1;SELECT 2;', ['SELECT 1', 'SELECT 2']],
  ['digits and operators alone', '1;+;$1', ['1', '+', '$1']],
  ['a comment between', 'SELECT 1 -- one;\n, 2; SELECT 3', ['SELECT 1 -- one;\n, 2', 'SELECT 3']],
  ['line ends of old', '-- one\rSELECT 1; -- two;\rSELECT 2', ['-- one\rSELECT 1', '-- two;\rSELECT 2']],
  ['quotes', `SELECT 'a;''b;', "c;""d;"; SELECT 2`, [`SELECT 'a;''b;', "c;""d;"`, 'SELECT 2']],
  ['backslashes in a plain text', String.raw`SELECT 'a\'; SELECT 'b'`, [String.raw`SELECT 'a\'`, `SELECT 'b'`]],
  [
    'backslashes in E',
    String.raw`SELECT E'a\'; b'; SELECT e'c''\\'`,
    [String.raw`SELECT E'a\'; b'`, String.raw`SELECT e'c''\\'`],
  ],
  ['a name that ends in e', String.raw`SELECT type'a\'; SELECT 2`, [String.raw`SELECT type'a\'`, 'SELECT 2']],
  ['dollar quotes', 'DO $$ BEGIN; END; $$; DO $a$ $$; $b$; $a$', ['DO $$ BEGIN; END; $$', 'DO $a$ $$; $b$; $a$']],
  [
    'dollars in names and parameters',
    'SELECT a$b$ FROM c$b$; SELECT $1; SELECT $2',
    ['SELECT a$b$ FROM c$b$', 'SELECT $1', 'SELECT $2'],
  ],
  ['names beyond ASCII', 'SELECT ü$é$; SELECT $é$;$é$', ['SELECT ü$é$', 'SELECT $é$;$é$']],
  [
    'parentheses',
    'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3',
    ['CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)', 'SELECT 3'],
  ],
  ['too many parentheses', 'SELECT 1); SELECT 2', ['SELECT 1)', 'SELECT 2']],
  [
    'BEGIN ATOMIC',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3',
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END', 'SELECT 3'],
  ],
  [
    'BEGIN and CASE elsewhere',
    'BEGIN; SELECT CASE WHEN a THEN b END; END',
    ['BEGIN', 'SELECT CASE WHEN a THEN b END', 'END'],
  ],
  ['an open quote', `SELECT 1; SELECT 'a; b`, ['SELECT 1', `SELECT 'a; b`]],
  ['an open name, comment and dollar quote', 'SELECT "a; b', ['SELECT "a; b']],
  ['an open comment', 'SELECT 1; /* a; b', ['SELECT 1']],
  ['an open dollar quote', 'SELECT 1; DO $$ a; b', ['SELECT 1', 'DO $$ a; b']],
])('%s', (_name, script, statements) => {
  expect(splitStatements(script)).toEqual(statements);
});

test('takes time in proportion to the script', () => {
  const script = `INSERT INTO t VALUES ('${'x'.repeat(50)}');\n`.repeat(20_000);
  expect(splitStatements(script)).toHaveLength(20_000);
  expect(splitStatements(`SELECT ${'('.repeat(200_000)}; ${'/*'.repeat(100_000)}`)).toHaveLength(1);
  expect(splitStatements(`SELECT '${"''".repeat(1_000_000)}`)).toHaveLength(1);
});

test('which texts are worth a look', () => {
  const isLooked = (text: string, values: (string | null)[] = []): boolean => mayBeSeveral({ text, values });
  expect([isLooked('SELECT 1'), isLooked('SELECT 1; '), isLooked('SELECT 1; SELECT 2', ['1'])]).toEqual([
    false,
    false,
    false,
  ]);
  expect([isLooked('SELECT 1; SELECT 2'), isLooked(`SELECT ';a'`)]).toEqual([true, true]);
});
