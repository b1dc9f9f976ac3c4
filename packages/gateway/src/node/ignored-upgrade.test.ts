import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { SqlHandler } from '../http/sql-handler.ts';
import { testCertificate } from './certificate.fixture.ts';
import { createUpgradeListener } from './ignored-upgrade.ts';
import { createSqlFront } from './sql-front.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function exchange(isTls: boolean, request: string): Promise<string> {
  const server = isTls ? createHttpsServer(testCertificate) : createServer();
  servers.push(server);
  server.on('request', (request, response) => {
    const { upgrade, connection, 'http2-settings': settings } = request.headers;
    request.setEncoding('utf8').on('data', (chunk) => response.write(`node: ${chunk} `));
    request.on('end', () => response.end(`node: ${request.url} ${upgrade} ${connection} ${settings}`));
  });
  const never = 600_000;
  const handler: SqlHandler = async (request, respond) => {
    respond({ status: 200, headers: {}, body: Buffer.concat([Buffer.from('sql: '), await request.readBody(1_000)]) });
  };
  createSqlFront(server, {
    ...{ handler, headersTimeoutMs: never, requestTimeoutMs: never, keepAliveTimeoutMs: never, stallTimeoutMs: never },
    ...{ checkIntervalMs: never, onDefect: (error) => expect.unreachable(String(error)) },
  });
  server.on(
    'upgrade',
    createUpgradeListener(server, (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server's address
  return new Promise((resolve, reject) => {
    const to = { port, host: '127.0.0.1', rejectUnauthorized: false };
    const socket = isTls ? connectTls(to) : connect(to);
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(answer));
    socket.write(request);
  });
}

const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
const last = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

test.each([false, true])('the request is answered as if nothing had been asked (TLS: %s)', async (isTls) => {
  const get = `GET /health HTTP/1.1\r\nHost: h\r\n${wish}\r\n`;
  const post = `POST /sql HTTP/1.1\r\n${wish}Host: h\r\nContent-Length: 2\r\n\r\n{}`;
  const answers = await exchange(isTls, get + post + post.replace('/sql', '/other') + last);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(Array(4).fill('HTTP/1.1 200'));
  const parts = ['node: /health undefined', '{}', 'node: {} ', 'node: /other undefined', 'node: /last undefined close'];
  let at = 0;
  for (const part of parts) {
    at = answers.indexOf(part, at);
    expect(at, part).toBeGreaterThan(0);
  }
});

test('what else the connection is to do stays', async () => {
  const get = 'GET /one HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n';
  expect(await exchange(false, get)).toContain('node: /one undefined close undefined');
});

test('a WebSocket is not ignored', async () => {
  const get = 'GET /v2 HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n';
  expect(await exchange(false, get)).toMatch(/^HTTP\/1\.1 101 /);
});
