import { expect, test } from 'vitest';
import { publicOrigin } from './public-origin.ts';

const origin = (url: string, headers: Record<string, string> = {}, configured?: string): string =>
  publicOrigin(new Request(url, { headers }), configured);

test('what the request says', () => {
  expect(origin('http://127.0.0.1:4444/6.19.3/x')).toBe('http://127.0.0.1:4444');
  expect(origin('http://localhost:4444/')).toBe('http://localhost:4444');
  expect(origin('http://[::1]:4444/')).toBe('http://[::1]:4444');
  expect(origin('https://localhost:4444/')).toBe('https://localhost:4444');
});

test('never plain HTTP by a name with which the client speaks none: its key goes there', () => {
  expect(origin('http://gate.example.com/')).toBe('https://gate.example.com');
  expect(origin('http://gate.example.com:8080/', { 'x-forwarded-proto': 'http' })).toBe(
    'https://gate.example.com:8080',
  );
});

test('what a proxy in front says', () => {
  expect(origin('http://127.0.0.1:4444/', { 'x-forwarded-host': 'gate.example.com, inner' })).toBe(
    'https://gate.example.com',
  );
  expect(origin('http://localhost:4444/', { 'x-forwarded-proto': 'HTTPS' })).toBe('https://localhost:4444');
  for (const odd of ['', 'a b', 'x/y', 'user@host', 'host:port', 'a\\b']) {
    expect(origin('http://127.0.0.1:4444/', { 'x-forwarded-host': odd })).toBe('http://127.0.0.1:4444');
  }
});

test('what the operator says', () => {
  expect(origin('http://a:1/', { 'x-forwarded-host': 'b' }, 'https://c')).toBe('https://c');
});
