import { expect, test } from 'vitest';
import { createEventLog, type LogFormat } from './event-log.ts';

function capture(format: LogFormat) {
  const lines: string[] = [];
  const log = createEventLog({
    format,
    write: (text) => lines.push(text),
    isColored: false,
    now: () => new Date(2026, 0, 2, 3, 4, 5, 6),
  });
  return { log, lines };
}

test('json: `listening` is the first line, whatever was logged before', () => {
  const { log, lines } = capture('json');
  log.log({ event: 'early', n: 1 });
  expect(lines).toEqual([]);
  log.open({ event: 'listening', http: 'http://h', tcp: 'postgres://t' });
  log.log({ event: 'late' });
  expect(lines[0]).toBe('{"event":"listening","http":"http://h","tcp":"postgres://t"}\n');
  expect(lines.slice(1).map((line) => JSON.parse(line))).toMatchObject([{ event: 'early', n: 1 }, { event: 'late' }]);
});

test('pretty: one line per event, no control characters of strangers', () => {
  const { log, lines } = capture('pretty');
  log.open({ event: 'listening' });
  log.log({
    event: 'caller_refused',
    user: 'a b',
    address: '127.0.0.1:5',
    durationMs: 16.21917,
    evil: '\u001b[2J\n\u009b',
    none: undefined,
  });
  expect(lines).toEqual([
    '03:04:05.006  caller refused  user="a b"  address=127.0.0.1:5  durationMs=16.2  evil="\\u001b[2J\\n?"\n',
  ]);
});
