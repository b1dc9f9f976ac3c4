import { expect, test } from 'vitest';
import { connectLater, gatewayFetch, gatewayOrigin } from './gateway-fetch.ts';

function recorder() {
  const seen: string[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = input instanceof Request ? input : new Request(input, init);
    seen.push(`${request.method} ${request.url} ${request.headers.get('authorization')}`);
    return new Response();
  };
  return { seen, fetch };
}

test.each([
  ['prisma+postgres://localhost:4444/?api_key=k', 'http://localhost:4444'],
  ['prisma+postgres://127.0.0.1:4444/?api_key=k', 'http://127.0.0.1:4444'],
  ['prisma+postgres://[::1]:4444/?api_key=k', 'http://[::1]:4444'],
  ['prisma+postgres://localhost.gw.internal:8080/?api_key=k', 'http://localhost.gw.internal:8080'],
  ['prisma+postgres://gw.example.com/?api_key=k', 'https://gw.example.com'],
  ['prisma://localhost:4444/?api_key=k', 'https://localhost:4444'],
])('the origin of %s, as the client sees it', (url, origin) => {
  expect(gatewayOrigin(url)).toBe(origin);
});

test('what was meant for the cloud goes to the gateway, key and all', async () => {
  const { seen, fetch } = recorder();
  const send = gatewayFetch('prisma+postgres://gw.example.com/?api_key=k', { fetch });
  const init = { method: 'POST', headers: { authorization: 'Bearer k' }, body: '{}' };
  await send('https://accelerate.prisma-data.net/invalidate', init);
  await send(new URL('https://accelerate.prisma-data.net/invalidate'), init);
  await send(new Request('https://accelerate.prisma-data.net/invalidate', init));
  await send('https://gw.example.com/query', init);
  await send('https://accelerate.prisma-data.net.example.com/x', init);
  expect(seen).toEqual([
    'POST https://gw.example.com/invalidate Bearer k',
    'POST https://gw.example.com/invalidate Bearer k',
    'POST https://gw.example.com/invalidate Bearer k',
    'POST https://gw.example.com/query Bearer k',
    'POST https://accelerate.prisma-data.net.example.com/x Bearer k',
  ]);
});

test('the extension connects when its key is wanted, not when it is set up', async () => {
  let isUp = false;
  let starts = 0;
  const start = async () => {
    starts++;
    if (!isUp) throw new TypeError('fetch failed');
  };
  const client = { _engine: { start: start as () => PromiseLike<void>, apiKey: async () => 'key' } };
  let key: PromiseLike<string> | undefined;
  const extension = (it: typeof client) => {
    key = it._engine.start().then(() => it._engine.apiKey());
    return 'extended';
  };
  expect(connectLater(extension)(client)).toBe('extended');
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(starts).toBe(0);
  await expect((async () => await key)()).rejects.toThrow('fetch failed');
  isUp = true;
  expect(await key).toBe('key');
  // Only then: whoever connects on purpose is told.
  expect(client._engine.start).toBe(start);
});

test('an extension that is not a function, or a client without an engine, is left alone', () => {
  const extension = { name: 'x' };
  expect(connectLater(extension)).toBe(extension);
  expect(connectLater((client: object) => client)({})).toEqual({});
});
