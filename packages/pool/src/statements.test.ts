import { decodeParse, decodeText, encodeText } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { createLabels } from './label.ts';
import { createClassifier } from './sql/classify-cache.ts';
import {
  createStatementTexts,
  encodeParseOf,
  renewStatement,
  type StatementText,
  type StatementTexts,
} from './statements.ts';

const constants = createLabels().none.constants;

function createTexts(maxTexts = 100): { texts: StatementTexts; intern(sql: string, types?: string): StatementText } {
  const classifier = createClassifier();
  const texts = createStatementTexts({ classify: (sql) => classifier.classify(sql), maxTexts });
  return {
    texts,
    intern(sql, types = '\0\0') {
      // Among other bytes, as in a chunk.
      const bytes = encodeText(`xx${sql}\0${types}yy`);
      return texts.intern(bytes, 2, bytes.length - 2, 2 + encodeText(sql).length);
    },
  };
}

describe('texts', () => {
  test('the same bytes are the same text; other parameter types are another', () => {
    const { intern } = createTexts();
    const text = intern('SELECT 1');
    expect(intern('SELECT 1')).toBe(text);
    expect(intern('SELECT 2')).not.toBe(text);
    expect(intern('SELECT 1', '\0\u0001\0\0\0\u0017')).not.toBe(text);
    expect(decodeText(text.tail)).toBe('SELECT 1\0\0\0');
  });

  test('do not hold on to the chunk they came in', () => {
    const { texts } = createTexts();
    const bytes = encodeText('SELECT 1\0\0\0');
    const text = texts.intern(bytes, 0, bytes.length, 8);
    bytes.fill(0x2a);
    expect(decodeText(text.tail)).toBe('SELECT 1\0\0\0');
  });

  test('those in use stay while others come and go; unused ones are forgotten', () => {
    const { intern } = createTexts(20);
    const used = intern('SELECT used');
    const unused = intern('SELECT unused');
    for (let i = 0; i < 200; i++) {
      intern(`SELECT ${i}`);
      expect(intern('SELECT used')).toBe(used);
    }
    expect(intern('SELECT unused')).not.toBe(unused);
  });

  test('very long ones are not remembered', () => {
    const { intern } = createTexts();
    const sql = `SELECT '${'x'.repeat(20_000)}'`;
    expect(intern(sql)).not.toBe(intern(sql));
  });

  test.each([
    ['NOTIFY c', 'notifies'],
    ['SELECT pg_notify($1, $2)', 'notifies'],
    ['SET LOCAL work_mem = 1', 'setsLocal'],
    ["SELECT set_config('a.b', 'x', true)", 'setsLocal'],
    ['COPY t FROM STDIN', 'copiesIn'],
  ] as const)('%s: %s', (sql, trait) => {
    const { intern } = createTexts();
    expect(intern(sql)[trait]).toBe(true);
    expect(intern('SELECT 1')[trait]).toBe(false);
  });

  test('a text that sets something names the custom settings it may mean', () => {
    const { intern } = createTexts();
    expect(intern(`DO 'SET my.name = 1'`).dottedNames).toEqual(['my.name']);
    expect(intern('SELECT a.b FROM a').dottedNames).toEqual([]);
  });
});

describe('statements', () => {
  test('are shared within a parse context and never across', () => {
    const { texts, intern } = createTexts();
    const text = intern('SELECT 1');
    const shared = texts.statement(text, '', constants);
    const dmy = texts.statement(text, 'DateStyle DMY', constants);
    expect(texts.statement(text, '', constants)).toBe(shared);
    expect(texts.statement(text, 'DateStyle DMY', constants)).toBe(dmy);
    expect(dmy).not.toBe(shared);
    expect(decodeText(dmy.name)).not.toBe(decodeText(shared.name));
    expect(texts.privateStatement(text, undefined)).not.toBe(shared);
  });

  test('a new generation has a new name, never used before', () => {
    const { texts, intern } = createTexts();
    const statement = texts.statement(intern('SELECT 1'), '', constants);
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) {
      names.add(decodeText(statement.name));
      renewStatement(statement);
    }
    for (let i = 0; i < 12; i++) names.add(decodeText(texts.privateStatement(statement.text, undefined).name));
    expect(names.size).toBe(24);
    expect(statement.generation).toBe(12);
  });

  test('the Parse of one is what its callers sent, under its own name', () => {
    const { texts, intern } = createTexts();
    const statement = texts.statement(intern('SELECT $1', '\0\u0001\0\0\0\u0017'), '', constants);
    const message = encodeParseOf(statement.name, statement.text.tail);
    expect(decodeParse(message.subarray(5))).toEqual({
      name: decodeText(statement.name),
      text: 'SELECT $1',
      parameterTypes: [23],
    });
    expect(new DataView(message.buffer).getUint32(1)).toBe(message.length - 1);
  });
});
