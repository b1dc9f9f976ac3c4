import { concatBytes, encodeBind, encodeDescribe, encodeExecute, encodeParse, encodeSync } from '@postern/wire';
import { expect, test } from 'vitest';
import { createSegmentWriter } from './segment-writer.ts';

const texts = [
  '',
  'a',
  'select 1',
  'x'.repeat(16),
  'x'.repeat(17),
  'ä',
  `${'x'.repeat(15)}ä`,
  '€'.repeat(40),
  '🐘'.repeat(1000),
  'y'.repeat(100_000),
];

test('the same bytes as wire’s encoders, in memory that is used again', () => {
  const writer = createSegmentWriter({ initialBytes: 1, keptBytes: 1000 });
  for (const query of texts) {
    for (const params of [[], [null], [query], [null, query, ''], texts]) {
      writer.command('BEGIN');
      writer.statement(query, params);
      writer.statement(query, []);
      const statement = [
        encodeParse('', query),
        encodeBind({ parameters: params }),
        encodeDescribe('P', ''),
        encodeExecute(),
      ];
      const empty = [encodeParse('', query), encodeBind(), encodeDescribe('P', ''), encodeExecute()];
      const expected = [encodeParse('', 'BEGIN'), encodeBind(), encodeExecute(), ...statement, ...empty, encodeSync()];
      expect(Buffer.compare(writer.finish(), concatBytes(expected))).toBe(0);
    }
  }
});

test('as many parameters as a message can hold', () => {
  const writer = createSegmentWriter();
  const params = new Array<string>(65_535).fill('1');
  writer.statement('q', params);
  const expected = [
    encodeParse('', 'q'),
    encodeBind({ parameters: params }),
    encodeDescribe('P', ''),
    encodeExecute(),
    encodeSync(),
  ];
  expect(Buffer.compare(writer.finish(), concatBytes(expected))).toBe(0);
});
