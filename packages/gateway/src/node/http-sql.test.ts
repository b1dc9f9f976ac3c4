import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpApp } from '../http/app.ts';
import { createScriptedBackend, ready, resultMessages, type Script } from '../http/scripted-backend.fixture.ts';
import type { AuthenticatedCaller } from '../http/sql-backend.ts';
import { createTestSqlHandler } from '../http/sql-client.fixture.ts';
import type { SqlEvent } from '../http/sql-event.ts';
import { createSqlListener } from './http-sql.ts';

const oneRow = [...resultMessages([['n', 23]], [['1']]), ready];
const headers = { 'Neon-Connection-String': 'postgres://u:p@h/d' };
const body = '{"query":"select 1"}';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function setUp(script: Script, limits: { maxRequestBytes?: number; stallTimeoutMs?: number } = {}) {
  const backend = createScriptedBackend(script);
  const events: SqlEvent[] = [];
  const sql = createTestSqlHandler({ backend, log: (event) => void events.push(event), ...limits });
  const listener = createSqlListener(sql, limits);
  const app = getRequestListener(createHttpApp({ sql }).fetch);
  let viaApp = 0;
  const server = createServer((request, response) => {
    if (listener(request, response)) return;
    viaApp++;
    void app(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server's address
  return { backend, events, port, url: `http://127.0.0.1:${port}`, viaApp: () => viaApp };
}

/** Sends bytes and collects what comes back until the server closes or `until` is in it. */
function raw(port: number, request: string, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (until !== undefined && answer.includes(until)) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('POST /sql is answered ahead of the app, query part or not', async () => {
  const { url, viaApp } = await setUp({ answers: [oneRow, oneRow] });
  for (const path of ['/sql', '/sql?a=b']) {
    const response = await fetch(url + path, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(response.headers.get('content-length')).toBe(String(text.length));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(text)).toMatchObject({ rows: [{ n: 1 }] });
  }
  expect(viaApp()).toBe(0);
});

test.each(['http://gate.example/sql', 'HTTPS://gate.example:99/sql?a=b'])('so is POST %s', async (target) => {
  const { port, viaApp } = await setUp({ answers: [oneRow] });
  const head = Object.entries({ ...headers, 'Content-Length': body.length, Host: 'other', Connection: 'close' });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  expect(await raw(port, `POST ${target} HTTP/1.1\r\n${lines}\r\n${body}`)).toMatch(/^HTTP\/1.1 200 /);
  expect(viaApp()).toBe(0);
});

test('everything else goes to the app', async () => {
  const { url, viaApp } = await setUp({});
  const statuses = [];
  for (const [method, path] of [
    ['GET', '/health'],
    ['OPTIONS', '/sql'],
    ['GET', '/sql'],
    ['POST', '/sqlx'],
    ['GET', '/'],
  ] as const) {
    statuses.push((await fetch(url + path, { method })).status);
  }
  expect(statuses).toEqual([200, 200, 405, 404, 404]);
  expect(viaApp()).toBe(5);
});

test('a connection serves many requests, errors in between', async () => {
  const { port } = await setUp({ answers: [oneRow, oneRow] });
  const request = (text: string, more = '') =>
    `POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`;
  const answer = await raw(port, request(body) + request('{') + request(body, 'Connection: close\r\n'));
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
});

test('what is sent ahead on a connection runs one after the other', async () => {
  const { port, backend } = await setUp({ answers: [undefined, oneRow, oneRow] });
  const request = `POST /sql?a=b HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = raw(port, request.repeat(2) + request.replace('\r\n', '\r\nConnection: close\r\n'));
  await expect.poll(() => backend.segments.length).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(backend.segments).toHaveLength(1);
  backend.stream?.write(Buffer.concat(oneRow));
  expect((await answer).match(/HTTP\/1\.1 \d+/g)).toEqual(Array(3).fill('HTTP/1.1 200'));
  expect(backend.segments).toHaveLength(3);
});

test('what was sent ahead by a caller who leaves does not run', async () => {
  const { port, backend } = await setUp({ answers: [undefined, oneRow] });
  const request = `POST /sql?a=b HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = connect(port, '127.0.0.1', () => socket.write(request.repeat(3)));
  await expect.poll(() => backend.segments.length).toBe(1);
  socket.destroy();
  await expect.poll(() => backend.closed).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(backend.segments).toHaveLength(1);
});

test('a chunked body in pieces', async () => {
  const { url } = await setUp({ answers: [oneRow] });
  const pieces = body.match(/.{1,3}/gs) ?? [];
  const stream = new ReadableStream({
    async pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  const response = await fetch(`${url}/sql`, { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit);
  expect(response.status).toBe(200);
});

describe('a body over the limit', () => {
  test('is refused, and the caller can read why while it still sends', async () => {
    const { url, backend } = await setUp({ answers: [oneRow] }, { maxRequestBytes: 10_000 });
    const response = await fetch(`${url}/sql`, { method: 'POST', headers, body: 'x'.repeat(20_000_000) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ message: 'request is too large (max is 10000 bytes)' });
    // The server goes on.
    expect((await fetch(`${url}/sql`, { method: 'POST', headers, body })).status).toBe(200);
    expect(backend.segments).toHaveLength(1);
  });

  test('by its Content-Length alone', async () => {
    const { port } = await setUp({}, { maxRequestBytes: 100 });
    const head =
      'POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\nContent-Length: 101\r\n\r\n';
    expect(await raw(port, head, 'request is too large (max is 100 bytes)')).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('chunked: as soon as it is', async () => {
    const { port } = await setUp({}, { maxRequestBytes: 100 });
    const head =
      'POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await raw(port, `${head}65\r\n${'x'.repeat(0x65)}\r\n`, 'request is too large (max is 100 bytes)')).toMatch(
      /^HTTP\/1\.1 413 /,
    );
  });
});

describe('a caller who leaves', () => {
  test('while its statement runs: the session ends', async () => {
    const { url, backend } = await setUp({ answers: [undefined] });
    const controller = new AbortController();
    const response = fetch(`${url}/sql`, { method: 'POST', headers, body, signal: controller.signal });
    while (backend.segments.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(backend.closed).toBe(0);
    controller.abort();
    await expect(response).rejects.toThrow();
    while (backend.closed === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test('before its body is complete: nothing runs', async () => {
    const { port, backend } = await setUp({ answers: [oneRow] });
    const head = `POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = connect(port, '127.0.0.1', () => socket.write(head + body.slice(0, 5)));
    socket.on('error', () => {});
    while (backend.credentials.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(backend.sessions).toEqual([]);
  });

  test('while it is authenticated: nothing runs', async () => {
    let accept: (caller: AuthenticatedCaller) => void = () => {};
    const authenticate = () => new Promise<AuthenticatedCaller>((resolve) => (accept = resolve));
    const { url, backend, events } = await setUp({ answers: [oneRow], authenticate });
    const controller = new AbortController();
    const response = fetch(`${url}/sql`, { method: 'POST', headers, body, signal: controller.signal });
    while (backend.credentials.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort();
    await expect(response).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    accept({ databaseKey: 'd', callerKey: 'd/u' });
    while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(events).toMatchObject([{ code: 'query_cancelled' }]);
    expect(backend.sessions).toEqual([]);
  });

  test.each([
    ['its answer is sent', ''],
    ['the end of its rows is sent', 'Postern-Stream: true\r\n'],
  ])('without a word, while %s: it is dropped', async (_, more) => {
    const long = [...resultMessages([['t', 25]], [['x'.repeat(9_000_000)]]), ready];
    const { port } = await setUp({ answers: [long] }, { stallTimeoutMs: 50 });
    const request = `POST /sql?a=b HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: postgres://u:p@h/d\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.pause();
    const closed = new Promise((resolve) =>
      servers[0]!.once('connection', (accepted) => accepted.once('close', resolve)),
    );
    await closed;
    socket.destroy();
  });
});
