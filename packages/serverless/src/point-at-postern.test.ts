import * as official from '@neondatabase/serverless';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { pointAtPostern } from './point-at-postern.ts';
import { type GatewayFixture, startGatewayFixture } from './testing/gateway.fixture.ts';

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
});
afterAll(() => gateway.close());

test('one call, and the official driver talks to the gateway over HTTP and WebSocket', async () => {
  official.neonConfig.webSocketConstructor = WebSocket;
  pointAtPostern(official.neonConfig, `http://127.0.0.1:${gateway.port}/`);
  const url = gateway.url().replace(/@[^/]+/, '@ep-one.eu.example.com');
  expect(await official.neon(url)`SELECT 1 AS n`).toEqual([{ n: 1 }]);
  const client = new official.Client(url);
  await client.connect();
  expect((await client.query('SELECT 2 AS n')).rows).toEqual([{ n: 2 }]);
  await client.end();
});

test('TLS, paths, and what is no URL', () => {
  const config: Record<string, unknown> = {};
  pointAtPostern(config, 'https://db.example.com:8443/base');
  expect(config).toMatchObject({ fetchEndpoint: 'https://db.example.com:8443/base/sql', useSecureWebSocket: true });
  expect((config.wsProxy as () => string)()).toBe('db.example.com:8443/base/v2');
  for (const url of ['', 'db.example.com', 'postgres://u:p@h/d'])
    expect(() => pointAtPostern({}, url)).toThrow(TypeError);
});
