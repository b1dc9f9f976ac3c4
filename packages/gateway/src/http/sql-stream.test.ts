import { createFakeClock } from '@postern/testkit';
import {
  concatBytes,
  encodeBindComplete,
  encodeCommandComplete,
  encodeCopyOutResponse,
  encodeDataRow,
  encodeErrorResponse,
  encodeNoData,
  encodeNoticeResponse,
  encodeParseComplete,
  encodeReadyForQuery,
  encodeRowDescription,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { errorReply } from './error-reply.ts';
import type { SessionListener } from './session-port.ts';
import { type SqlStream, type SqlStreamOptions, startSqlStream } from './sql-stream.ts';
import type { BodySink } from './streamed-body.ts';

interface Session {
  listener: SessionListener;
  sent: string[];
  drains: number;
  left: (number | undefined)[];
}

interface SetUp {
  stream: SqlStream;
  session: Session;
  clock: ReturnType<typeof createFakeClock>;
  /** Postgres speaks, in pieces whose memory is used again. */
  say(messages: readonly Uint8Array[], pieceBytes?: number): void;
}

function setUp(options: Partial<SqlStreamOptions> = {}): SetUp {
  const clock = createFakeClock();
  const session: Session = { listener: { onBytes() {}, onEnded() {} }, sent: [], drains: 0, left: [] };
  const stream = startSqlStream({
    segment: new TextEncoder().encode('segment'),
    commands: { before: undefined, after: undefined, isCommitting: true },
    connect(listener) {
      session.listener = listener;
      return {
        send: (bytes) => void session.sent.push(new TextDecoder().decode(bytes)),
        drained: () => void session.drains++,
        leave: (status) => void session.left.push(status),
      };
    },
    maxRowBytes: 1_000,
    clock,
    stallTimeoutMs: 60_000,
    errorBody: (error) => errorReply(error).body,
    transactionState: () => undefined,
    ...options,
  });
  return {
    stream,
    session,
    clock,
    say(messages, pieceBytes) {
      const all = concatBytes(messages);
      const size = pieceBytes ?? all.length;
      for (let at = 0; at < all.length; at += size) {
        const piece = all.slice(at, at + size);
        session.listener.onBytes(piece);
        piece.fill(0xee);
      }
    },
  };
}

/** A connection that takes so many bytes and holds the rest. */
function createSink(takes = Number.POSITIVE_INFINITY) {
  const sink = {
    text: '',
    bufferedBytes: 0,
    ended: 0,
    destroyed: 0,
    left: takes,
    write(bytes: Uint8Array): boolean {
      sink.text += new TextDecoder().decode(bytes);
      const held = Math.max(0, bytes.length - sink.left);
      sink.left = Math.max(0, sink.left - bytes.length);
      sink.bufferedBytes += held;
      return held === 0;
    },
    end: () => void sink.ended++,
    destroy: () => void sink.destroyed++,
  };
  return sink satisfies BodySink;
}

const utf8 = new TextEncoder();
const row = (...values: (string | null)[]): Uint8Array =>
  encodeDataRow(values.map((value) => (value === null ? null : utf8.encode(value))));
const head = [encodeParseComplete(), encodeBindComplete(), encodeRowDescription([{ name: 'a', dataTypeID: 25 }])];
const done = [encodeCommandComplete('SELECT 2'), encodeReadyForQuery('I')];
const error = encodeErrorResponse({ severity: 'ERROR', code: '22012', message: 'division by zero' });
const command = (tag: string): Uint8Array[] => [
  encodeParseComplete(),
  encodeBindComplete(),
  encodeCommandComplete(tag),
];
const fieldsLine =
  '{"fields":[{"name":"a","dataTypeID":25,"tableID":0,"columnID":0,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}]}\n';

async function bodyOf(stream: SqlStream) {
  const start = await stream.start;
  if (!start.ok) throw start.error;
  return start;
}

describe('lines', () => {
  const reply = [
    ...head,
    row('x'),
    encodeNoticeResponse({ severity: 'NOTICE', code: '00000', message: 'n' }),
    row(null),
    ...done,
  ];
  const expected = `${fieldsLine}["x"]\n[null]\n{"command":"SELECT","rowCount":2}\n`;

  test('are the same wherever the reply is cut', async () => {
    for (let size = 1; size <= concatBytes(reply).length; size++) {
      const { stream, session, say } = setUp();
      expect(session.sent).toEqual(['segment']);
      say(reply, size);
      const { body, finished } = await bodyOf(stream);
      const sink = createSink();
      body.start(sink);
      expect(sink.text).toBe(expected);
      expect(sink.ended).toBe(1);
      expect(session.left).toEqual([0x49]);
      expect(await finished).toEqual({ error: undefined, bytes: expected.length });
    }
  });

  test('leave with the first row, and then with each delivery', async () => {
    const { stream, say } = setUp();
    let hasBegun = false;
    void stream.start.then(() => {
      hasBegun = true;
    });
    say(head);
    await Promise.resolve();
    expect(hasBegun).toBe(false);
    say([row('x')]);
    const { body } = await bodyOf(stream);
    const sink = createSink();
    body.start(sink);
    expect(sink.text).toBe(`${fieldsLine}["x"]\n`);
    say([row('y'), row('z')]);
    expect(sink.text).toBe(`${fieldsLine}["x"]\n["y"]\n["z"]\n`);
    expect(sink.ended).toBe(0);
  });

  test('of a statement among BEGIN and COMMIT', async () => {
    const { stream, session, say } = setUp({
      commands: { before: 'BEGIN', after: 'COMMIT', isCommitting: true },
      transactionState: () => 'over',
    });
    say([
      ...command('BEGIN'),
      ...head,
      row('x'),
      encodeCommandComplete('SELECT 1'),
      ...command('COMMIT'),
      encodeReadyForQuery('I'),
    ]);
    const sink = createSink();
    (await bodyOf(stream)).body.start(sink);
    expect(sink.text).toBe(`${fieldsLine}["x"]\n{"command":"SELECT","rowCount":1,"transaction":"over"}\n`);
    expect(session.left).toEqual([0x49]);
  });
});

describe('an error', () => {
  test('before the first row is no body', async () => {
    const { stream, session, say } = setUp();
    say([...head, error]);
    expect(session.left).toEqual([]);
    say([encodeReadyForQuery('T')]);
    expect(await stream.start).toMatchObject({ ok: false, error: { code: '22012' } });
    expect(session.left).toEqual([0x54]);
  });

  test('of what was to end the transaction rolls it back first', async () => {
    const { stream, session, say } = setUp({ commands: { before: undefined, after: 'COMMIT', isCommitting: true } });
    say([...head, row('x'), error, encodeReadyForQuery('E')]);
    expect(session.sent).toEqual(['segment', expect.stringContaining('ROLLBACK')]);
    expect(session.left).toEqual([]);
    say([encodeCommandComplete('ROLLBACK'), encodeReadyForQuery('I')]);
    const sink = createSink();
    (await bodyOf(stream)).body.start(sink);
    expect(sink.text).toMatch(/\["x"\]\n\{"error":\{"message":"division by zero".*\}\}\n$/);
    expect(session.left).toEqual([0x49]);
  });

  const copying = [
    ...[encodeParseComplete(), encodeBindComplete(), encodeNoData()],
    encodeCopyOutResponse({ format: 'text', columnFormats: [0] }),
  ];

  test('COPY is refused', async () => {
    const { stream, session, say } = setUp({
      commands: { before: undefined, after: undefined, isCommitting: false },
    });
    say(copying);
    expect(await stream.start).toMatchObject({ ok: false, error: { code: 'unsupported_over_http' } });
    expect(session.left).toEqual([undefined]);
  });

  test('COPY that is committed is refused with the truth about it', async () => {
    const { stream, session, say } = setUp({
      commands: { before: undefined, after: 'COMMIT', isCommitting: true },
    });
    say(copying);
    expect(session.left).toEqual([]);
    say([encodeCommandComplete('COPY 1'), ...command('COMMIT'), encodeReadyForQuery('I')]);
    expect(await stream.start).toMatchObject({
      ...{ ok: false, error: { message: expect.stringMatching(/; what the request did was committed$/) } },
    });
    expect(session.left).toEqual([0x49]);
  });

  test.each<[string, Uint8Array, string]>([
    ['a row too large', row('y'.repeat(1_000)), 'response_too_large'],
    ['a value that is not UTF-8', encodeDataRow([Uint8Array.of(0x61, 0xff)]), 'invalid_encoding'],
    ['a row of another width', row('y', 'z'), 'protocol_violation'],
  ])('%s ends the rows with a whole line', async (_, bad, gatewayCode) => {
    const { stream, session, say } = setUp();
    say([...head, row('x')]);
    const { body, finished } = await bodyOf(stream);
    const sink = createSink();
    body.start(sink);
    say([row('w'), bad]);
    const lines = sink.text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([['x'], ['w'], { error: expect.objectContaining({ gatewayCode }) }]);
    expect(sink.ended).toBe(1);
    // What still runs is cancelled.
    expect(session.left).toEqual([undefined]);
    expect((await finished).error).toBeDefined();
    say([row('late')]);
    expect(sink.text).not.toContain('late');
  });

  test('the session ends', async () => {
    const { stream, session } = setUp();
    session.listener.onEnded(undefined);
    expect(await stream.start).toMatchObject({ ok: false, error: { code: 'server_connection_lost' } });
  });

  test('the session ends within connect, or cannot begin', async () => {
    const left: unknown[] = [];
    const port = {
      send: () => left.push('sent'),
      drained() {},
      leave: (status: number | undefined) => void left.push(status),
    };
    const ended = setUp({
      connect(listener) {
        listener.onEnded(new Error('no'));
        return port;
      },
    });
    expect(await ended.stream.start).toMatchObject({ ok: false, error: { message: 'no' } });
    expect(left).toEqual([undefined]);
    const refused = setUp({
      connect() {
        throw new Error('never');
      },
    });
    expect(await refused.stream.start).toMatchObject({ ok: false, error: { message: 'never' } });
  });
});

describe('back-pressure', () => {
  test('counts what waits, before there is anybody to send it to and afterwards', async () => {
    const { stream, session, say } = setUp();
    say([...head, row('x')]);
    expect(session.listener.bufferedBytes).toBe(fieldsLine.length + 6);
    const { body } = await bodyOf(stream);
    const sink = createSink(10);
    body.start(sink);
    expect(session.listener.bufferedBytes).toBe(fieldsLine.length + 6 - 10);
    expect(session.drains).toBe(0);
    sink.bufferedBytes = 0;
    body.drained();
    expect(session.listener.bufferedBytes).toBe(0);
    expect(session.drains).toBe(1);
  });

  test('a sink that takes all at once lets the session go on', async () => {
    const { stream, session, say } = setUp();
    say([...head, row('x')]);
    (await bodyOf(stream)).body.start(createSink());
    expect(session.drains).toBe(1);
  });

  test('a caller that takes nothing is dropped, one that is slow is not', async () => {
    const { stream, session, clock, say } = setUp();
    say([...head, row('x')]);
    const { body, finished } = await bodyOf(stream);
    const sink = createSink(10);
    body.start(sink);
    for (let n = 0; n < 5; n++) {
      clock.advance(59_999);
      sink.bufferedBytes -= 1;
      say([row('more')]);
      clock.advance(1);
      expect(sink.destroyed).toBe(0);
    }
    clock.advance(60_000);
    expect(sink).toMatchObject({ destroyed: 1, ended: 0 });
    expect(session.left).toEqual([undefined]);
    expect(await finished).toMatchObject({ error: { code: 'query_cancelled' } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a caller that has taken all may wait for ever', async () => {
    const { stream, clock, say } = setUp();
    say([...head, row('x')]);
    const { body } = await bodyOf(stream);
    const sink = createSink(10);
    body.start(sink);
    sink.bufferedBytes = 0;
    body.drained();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a caller who leaves', () => {
  test('before the first row', async () => {
    const { stream, session, say } = setUp();
    say(head);
    stream.abort();
    expect(await stream.start).toMatchObject({ ok: false, error: { code: 'query_cancelled' } });
    expect(session.left).toEqual([undefined]);
    say([row('x'), ...done]);
    session.listener.onEnded(undefined);
    expect(session.left).toEqual([undefined]);
  });

  test('before or after the body was taken over', async () => {
    for (const isStarted of [false, true]) {
      const { stream, session, say } = setUp();
      say([...head, row('x')]);
      const { body, finished } = await bodyOf(stream);
      const sink = createSink();
      if (isStarted) body.start(sink);
      body.abandon();
      body.abandon();
      expect(session.left).toEqual([undefined]);
      expect(await finished).toMatchObject({ error: { code: 'query_cancelled' } });
      say([row('late')]);
      expect(sink.text).not.toContain('late');
    }
  });

  test('after the end changes nothing', async () => {
    const { stream, session, say } = setUp();
    say([...head, row('x'), ...done]);
    const { body } = await bodyOf(stream);
    stream.abort();
    const sink = createSink();
    body.start(sink);
    body.abandon();
    expect(sink.text).toContain('"command":"SELECT"');
    expect(session.left).toEqual([0x49]);
  });
});
