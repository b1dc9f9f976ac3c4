import { expect, test } from 'vitest';
import { createReplyScanner } from './reply-scanner.ts';

const message = (type: string, body: string): string => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return type + length.toString('latin1') + body;
};
const replies = Buffer.from(
  [
    message('1', ''),
    message('D', 'Z\0\0\0\x05I'.repeat(50)),
    message('C', 'SELECT 1\0'),
    message('Z', 'I'),
    message('I', ''),
    message('Z', 'T'),
  ].join(''),
  'latin1',
);

test('counts complete replies, cut anywhere', () => {
  expect(createReplyScanner().scan(replies, 0, replies.length)).toBe(2);
  for (let cut = 0; cut <= replies.length; cut++) {
    const scanner = createReplyScanner();
    expect(scanner.scan(replies, 0, cut) + scanner.scan(replies, cut, replies.length)).toBe(2);
  }
  const scanner = createReplyScanner();
  let ready = 0;
  for (let at = 0; at < replies.length; at++) ready += scanner.scan(replies, at, at + 1);
  expect(ready).toBe(2);
});

test('an error is not an answer', () => {
  const error = Buffer.from(message('E', 'SERROR\0Mno such table\0\0'), 'latin1');
  expect(() => createReplyScanner().scan(error, 0, error.length)).toThrow('no such table');
});
