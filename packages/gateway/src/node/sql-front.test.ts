import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createJsonWriter } from '../http/json-writer.ts';
import type { SqlHandler, SqlHttpReply, SqlHttpRequest } from '../http/sql-handler.ts';
import { testCertificate } from './certificate.fixture.ts';
import { createSqlListener } from './http-sql.ts';
import { last, oddRequests, plainRequests, post } from './odd-requests.fixture.ts';
import { createSqlFront, type SqlFront } from './sql-front.ts';

interface TestServer {
  readonly port: number;
  /** Bodies the handler was given. */
  readonly bodies: string[];
  /** Requests node:http read. */
  viaNode: number;
  readonly defects: unknown[];
  readonly server: Server;
  readonly front: SqlFront | undefined;
}

const running: TestServer[] = [];
afterEach(() => {
  for (const { server, front } of running.splice(0)) {
    front?.destroyConnections();
    server.closeAllConnections();
    server.close();
  }
});

interface Settings {
  readonly isFronted?: boolean;
  readonly isTls?: boolean;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly keepAliveTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
  /** Content-Length of requests at which the handler breaks its promise not to throw. */
  readonly breakingLength?: string;
  readonly answer?: (request: SqlHttpRequest, body: string) => Promise<SqlHttpReply>;
}

const never = 600_000;

async function serve(settings: Settings = {}): Promise<TestServer> {
  const { isFronted = true, isTls = false, answer = echo } = settings;
  const { headersTimeoutMs = never, requestTimeoutMs = never, keepAliveTimeoutMs = never } = settings;
  const { stallTimeoutMs = never, breakingLength = 'none' } = settings;
  const bodies: string[] = [];
  const handler: SqlHandler = (request, respond) => {
    if (request.header('content-length') === breakingLength) throw new Error('a defect');
    void handle(request).then(respond);
  };
  async function handle(request: SqlHttpRequest): Promise<SqlHttpReply> {
    try {
      const body = Buffer.from(await request.readBody(4_000)).toString('latin1');
      bodies.push(body);
      return await answer(request, body);
    } catch (error) {
      return { status: 413, headers: {}, body: Buffer.from(String(error)) };
    }
  }
  const listener = createSqlListener(handler);
  const options = {
    ...{ headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    connectionsCheckingInterval: 20,
  };
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    test.viaNode++;
    if (listener(request, response)) return;
    request.resume();
    response.writeHead(404).end(`${request.method} ${request.url}`);
  };
  const server = isTls
    ? createHttpsServer({ ...options, ...testCertificate }, respond)
    : createServer(options, respond);
  server.on('upgrade', (_request, socket) => socket.end('upgraded'));
  const front = isFronted
    ? createSqlFront(server, {
        ...{ handler, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, stallTimeoutMs },
        checkIntervalMs: 20,
        onDefect: (error) => void test.defects.push(error),
      })
    : undefined;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server's address
  const test: TestServer = { port, bodies, viaNode: 0, defects: [], server, front };
  running.push(test);
  return test;
}

async function echo(request: SqlHttpRequest, body: string): Promise<SqlHttpReply> {
  const text = `${request.header('neon-connection-string')} ${request.header('x-a')} ${body}`;
  return { status: 200, headers: { 'content-type': 'text/plain', 'x-y': 'z' }, body: Buffer.from(text, 'latin1') };
}

/** Sends the pieces one after another; resolves with everything that came back, when the server closes. */
async function exchange(port: number, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let isRefused = false;
  const answer = collect(socket, (text) => {
    isRefused = text.includes('Connection: close');
  });
  const [first = '', ...rest] = pieces;
  socket.write(first, 'latin1');
  for (const piece of rest) {
    // Each travels alone, and an answer is here before the next leaves: who is refused does not go on.
    await turnOfEvents();
    await turnOfEvents();
    if (isRefused) break;
    socket.write(piece, 'latin1');
  }
  return answer;
}

function collect(socket: Socket, onText = (_all: string): void => {}): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      onText(answer);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.replace(/^Date: .*$/gm, 'Date: now')));
  });
}

function turnOfEvents(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const statuses = (answer: string): string[] => answer.match(/HTTP\/1\.1 \d+/g) ?? [];

describe('the same answers as node:http alone', () => {
  /** Each exchange on servers of its own: what they saw belongs to it. */
  async function compare(name: string, text: string, cut: (text: string) => string[]): Promise<void> {
    // What is waited for in vain ends with 408.
    const limits = name === unfinished ? { headersTimeoutMs: 500, requestTimeoutMs: 500 } : {};
    const [ours, nodes] = await Promise.all([serve(limits), serve({ ...limits, isFronted: false })]);
    const [ourAnswer, nodesAnswer] = await Promise.all([
      exchange(ours.port, cut(text)),
      exchange(nodes.port, cut(text)),
    ]);
    // node:http forgets the answers it owes when what follows in the same read makes no sense, and what waits for them
    // does not run. We give them first.
    const isForgetful = nodesAnswer.startsWith('HTTP/1.1 400');
    const answer = isForgetful ? ourAnswer.slice(-nodesAnswer.length) : ourAnswer;
    const bodies = isForgetful ? ours.bodies.slice(0, nodes.bodies.length) : ours.bodies;
    expect({ name, answer, bodies }).toEqual({ name, answer: nodesAnswer, bodies: nodes.bodies });
  }

  const unfinished = 'a body shorter than said';
  const all = Object.entries({ ...plainRequests, ...oddRequests });

  test.concurrent('in one piece', async () => {
    await Promise.all(all.map(([name, text]) => compare(name, text + last, (whole) => [whole])));
  });

  test.concurrent('byte by byte', async () => {
    const short = all.filter(([name, text]) => text.length < 1_000 && name !== unfinished);
    await Promise.all(short.map(([name, text]) => compare(name, text + last, (whole) => [...whole])));
  });

  test.each(['plain, then not, then plain', 'CL.TE', 'upgrade'])('cut at every place: %s', async (name) => {
    const text = oddRequests[name]! + last;
    for (let at = 1; at < text.length; at += 16) {
      const places = Array.from({ length: Math.min(16, text.length - at) }, (_, index) => at + index);
      await Promise.all(
        places.map((place) =>
          compare(`${name} ${place}`, text, (whole) => [whole.slice(0, place), whole.slice(place)]),
        ),
      );
    }
  });
});

test('plain requests do not reach node:http, all others do', async () => {
  for (const [name, text] of Object.entries(plainRequests)) {
    const server = await serve();
    await exchange(server.port, [text + last]);
    expect({ name, viaNode: server.viaNode }).toEqual({ name, viaNode: 0 });
  }
  const server = await serve();
  await exchange(server.port, [`${post('a')}${post('b', 'Postern-Stream: true')}${post('c')}${last}`]);
  expect(server.bodies).toEqual(['a', 'b', 'c', 'last']);
  expect(server.viaNode).toBe(3);
});

test('over TLS as well', async () => {
  const server = await serve({ isTls: true });
  const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  const answer = collect(socket);
  socket.write(post('a'));
  await eventually(() => server.bodies.length === 1);
  socket.write(`${post('b')}GET /x HTTP/1.1\r\nHost: h\r\n\r\n${last}`);
  expect(statuses(await answer)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  expect(server.viaNode).toBe(2);
});

describe('time limits', () => {
  test.each([
    ['a head', 'POST /sql HTTP/1.1\r\nHost'],
    ['nothing', ''],
  ])('%s is waited for so long', async (_, text) => {
    const server = await serve({ headersTimeoutMs: 50 });
    expect(statuses(await exchange(server.port, [text]))).toEqual(['HTTP/1.1 408']);
  });

  test('a body too', async () => {
    const server = await serve({ headersTimeoutMs: 50, requestTimeoutMs: 50 });
    const answer = await exchange(server.port, [post('hello').slice(0, -1)]);
    expect(statuses(answer)).toEqual(['HTTP/1.1 408']);
    expect(server.bodies).toEqual([]);
  });

  test('a head in more pieces than usual is node:http’s to wait for', async () => {
    const server = await serve({ headersTimeoutMs: 200 });
    expect(statuses(await exchange(server.port, [...post('hello').slice(0, -10)]))).toEqual(['HTTP/1.1 408']);
  });

  test('an idle connection is closed without a word', async () => {
    const server = await serve({ keepAliveTimeoutMs: 50 });
    expect(statuses(await exchange(server.port, [post('hello')]))).toEqual(['HTTP/1.1 200']);
  });

  test('an answer may take longer than all of them', async () => {
    let finish = (): void => {};
    const server = await serve({
      ...{ headersTimeoutMs: 20, requestTimeoutMs: 20, keepAliveTimeoutMs: 20 },
      async answer(request, body) {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return echo(request, body);
      },
    });
    const answer = exchange(server.port, [post('hello')]);
    await eventually(() => server.bodies.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    finish();
    expect(statuses(await answer)).toEqual(['HTTP/1.1 200']);
  });
});

describe('a caller who leaves', () => {
  test.each([
    ['at once', (socket: Socket) => void socket.destroy()],
    ['by saying that it sends no more', (socket: Socket) => void socket.end()],
  ])('%s is told to the handler', async (_, leave) => {
    let aborted = 0;
    let isAborted = false;
    const server = await serve({
      answer: (request) =>
        new Promise(() =>
          request.onAbort(() => {
            aborted++;
            isAborted = request.isAborted;
          }),
        ),
    });
    const socket = connect(server.port, '127.0.0.1', () => void socket.write(post('hello')));
    socket.on('error', () => {});
    await eventually(() => server.bodies.length === 1);
    expect(aborted).toBe(0);
    leave(socket);
    await eventually(() => aborted > 0);
    expect([aborted, isAborted]).toEqual([1, true]);
  });

  test.each([
    ['and has sent much ahead', 100, true],
    ['or sends far too much ahead', 2_000, false],
  ])('%s is told to the handler', async (_, count, leaves) => {
    let aborted = 0;
    const server = await serve({ answer: (request) => new Promise(() => request.onAbort(() => aborted++)) });
    const socket = connect(server.port, '127.0.0.1', () => void socket.write(post('hello')));
    socket.on('error', () => {});
    await eventually(() => server.bodies.length === 1);
    await new Promise<void>((resolve) => socket.write(post('x'.repeat(1_000)).repeat(count), () => resolve()));
    await turnOfEvents();
    if (leaves) {
      expect(aborted).toBe(0);
      socket.destroy();
    }
    await eventually(() => aborted === 1);
    expect(server.bodies).toHaveLength(1);
    socket.destroy();
  });

  test('in the middle of a body starts nothing', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1', () => void socket.end(post('hello').slice(0, -1)));
    socket.on('error', () => {}).resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(server.bodies).toEqual([]);
  });
});

test('who does not read answers gets no further ones, and all of them later', async () => {
  const size = 300_000;
  const count = 40;
  const server = await serve({ answer: async () => ({ status: 200, headers: {}, body: Buffer.alloc(size, 'x') }) });
  const socket = connect(server.port, '127.0.0.1');
  socket.pause();
  socket.write(post('a').repeat(count - 1) + last);
  await eventually(() => server.bodies.length > 0);
  let before = -1;
  while (before !== server.bodies.length) {
    before = server.bodies.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(before).toBeLessThan(count);
  const answer = collect(socket);
  socket.resume();
  expect(statuses(await answer)).toHaveLength(count);
  expect(server.bodies).toHaveLength(count);
});

describe('a long answer', () => {
  const size = 30_000_000;
  const answer = async (): Promise<SqlHttpReply> => ({ status: 200, headers: {}, body: Buffer.alloc(size) });
  const requests = [
    ['', post('hello')],
    [' that is the last', last],
  ] as const;

  /** A caller that counts what comes. */
  function ask({ port }: TestServer, request: string): { caller: Socket; count(): number } {
    const caller = connect(port, '127.0.0.1', () => void caller.write(request));
    let count = 0;
    caller.on('data', (chunk) => {
      count += chunk.length;
    });
    caller.on('error', () => {});
    return { caller, count: () => count };
  }

  /** As the server counts them. */
  function openConnections({ server }: TestServer): Promise<number> {
    return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  }

  test.each(requests)('%s may be taken slowly', async (_, request) => {
    const short = { headersTimeoutMs: 20, requestTimeoutMs: 20, keepAliveTimeoutMs: 20 };
    const server = await serve({ answer, ...short });
    const { caller, count } = ask(server, request);
    for (let pauses = 0; pauses < 20; pauses++) {
      await new Promise((resolve) => caller.once('data', resolve));
      caller.pause();
      await new Promise((resolve) => setTimeout(resolve, 20));
      caller.resume();
    }
    await new Promise((resolve) => caller.once('close', resolve));
    expect(count()).toBeGreaterThan(size);
  });

  test.each(requests)('%s that nobody takes is given up', async (_, request) => {
    const server = await serve({ answer, stallTimeoutMs: 200 });
    const { caller, count } = ask(server, request);
    caller.pause();
    await vi.waitFor(async () => expect(await openConnections(server)).toBe(1));
    await vi.waitFor(async () => expect(await openConnections(server)).toBe(0), 10_000);
    caller.resume();
    await new Promise((resolve) => caller.once('close', resolve));
    expect(count()).toBeLessThan(size);
  });
});

describe('closing', () => {
  test('ends idle connections, lets an answer out, and says that it was the last', async () => {
    let finish = (): void => {};
    const server = await serve({
      async answer(request, body) {
        if (body === 'slow') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        }
        return echo(request, body);
      },
    });
    const idle = exchange(server.port, [post('hello')]);
    const busy = exchange(server.port, [post('slow') + post('never run')]);
    await eventually(() => server.bodies.length === 2);
    const closed = new Promise((resolve) => server.server.close(resolve));
    server.front?.close();
    expect(statuses(await idle)).toEqual(['HTTP/1.1 200']);
    finish();
    const answer = await busy;
    expect(statuses(answer)).toEqual(['HTTP/1.1 200']);
    expect(answer).toContain('\r\nConnection: close\r\n');
    await closed;
    expect(server.bodies).toEqual(expect.arrayContaining(['hello', 'slow']));
    expect(server.bodies).toHaveLength(2);
  });

  test('by force ends all', async () => {
    const server = await serve({ answer: () => new Promise(() => {}) });
    const answers = [exchange(server.port, [post('a')]), exchange(server.port, ['POST /sql HT'])];
    await eventually(() => server.bodies.length === 1);
    const closed = new Promise((resolve) => server.server.close(resolve));
    server.front?.destroyConnections();
    expect(await Promise.all(answers)).toEqual(['', '']);
    await closed;
  });
});

test('a header value that would end its line is not sent', async () => {
  const server = await serve({
    answer: async () => ({ status: 200, headers: { x: 'a\r\nSet-Cookie: b' }, body: Buffer.from('') }),
  });
  expect(await exchange(server.port, [post('hello')])).toBe('');
  expect(server.defects).toMatchObject([{ message: 'invalid value of response header x' }]);
});

test('a defect ends its own connection and no other', async () => {
  const server = await serve({ breakingLength: '6' });
  const other = connect(server.port, '127.0.0.1', () => void other.write(post('hello')));
  const answer = collect(other);
  await eventually(() => server.bodies.length === 1);
  expect(await exchange(server.port, [post('defect')])).toBe('');
  other.write(last);
  expect(statuses(await answer)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
  expect(server.defects).toEqual([new Error('a defect')]);
});

test('answers to callers who read slowly do not mix with those to others', async () => {
  const body = (letter: string): string => letter.repeat(15_000);
  const server = await serve({
    answer: async (_request, text) => ({ status: 200, headers: {}, body: Buffer.from(body(text[0]!)) }),
  });
  const slow = connect(server.port, '127.0.0.1');
  slow.pause();
  // More than fits between the two: the rest waits in memory while others are answered.
  slow.write(post('s').repeat(1_000) + last);
  await eventually(() => server.bodies.length > 0);
  let before = -1;
  while (before !== server.bodies.length) {
    before = server.bodies.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(before).toBeLessThan(1_000);
  for (const letter of 'abc') expect(await exchange(server.port, [post(letter) + last])).toContain(body(letter));
  const answer = collect(slow);
  slow.resume();
  expect((await answer).split(body('s'))).toHaveLength(1_001);
});

describe.each([{ isTls: false }, { isTls: true }])('memory lent for a body, TLS: $isTls', ({ isTls }) => {
  test('is used again, but not before those who read slowly have all of it', async () => {
    const writer = createJsonWriter({ maxBytes: 1e8, initialBytes: 64 });
    const memories = new Set<ArrayBufferLike>();
    const sizes = [20_000, 9_000_000, 20_000, 300, 9_000_000, 5_000_000, 300];
    const { port } = await serve({
      isTls,
      async answer(_request, body) {
        writer.reset(1e8);
        const letter = body.charCodeAt(0);
        writer.raw(new Uint8Array(sizes[letter - 97]!).fill(letter));
        const written = writer.written();
        memories.add(written.buffer);
        return { status: 200, headers: {}, body: written, lender: writer };
      },
    });
    const answers = sizes.map(async (size, index) => {
      const letter = String.fromCharCode(97 + index);
      const socket = isTls
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connect({ port, host: '127.0.0.1' });
      socket.pause();
      socket.write(post(letter, 'Connection: close'), 'latin1');
      await new Promise((resolve) => setTimeout(resolve, 200));
      const chunks: Buffer[] = [];
      for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
      expect([letter, body.length, body.every((byte) => byte === letter.charCodeAt(0))]).toEqual([letter, size, true]);
    });
    await Promise.all(answers);
    if (!isTls) expect(memories.size).toBeLessThan(sizes.length);
    expect(memories.size).toBeGreaterThan(1);
  });
});
