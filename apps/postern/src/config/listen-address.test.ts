import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { formatAddress, parseListenAddress } from './listen-address.ts';

test.each([
  ['127.0.0.1:4444', { host: '127.0.0.1', port: 4444 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  [':80', { host: '0.0.0.0', port: 80 }],
  [' 80 ', { host: '127.0.0.1', port: 80 }],
  ['65536', undefined],
  ['::1:80', undefined],
  ['http://x:80', undefined],
  ['x:', undefined],
  ['', undefined],
])('listen address %j', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

test('IPv6 is printed in brackets', () => {
  expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1');
  expect(formatAddress({ host: 'a', port: 1 })).toBe('a:1');
});

test.each([
  ['500ms', 500],
  ['1.5s', 1500],
  ['2 m', 120_000],
  ['1h', 3_600_000],
  ['0s', 0],
  ['10', undefined],
  ['-1s', undefined],
  ['s', undefined],
])('duration %j', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});
