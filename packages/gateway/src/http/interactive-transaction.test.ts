// Turns, time and tokens of interactive transactions, with a clock that stands still and a session that is a script.

import { GatewayError } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { createFakeClock } from '@postern/testkit';
import { describe, expect, test } from 'vitest';
import type { TransactionTurn } from './interactive-transaction.ts';
import type { SessionListener, SessionPort } from './session-port.ts';
import { createSqlTransactions, type TransactionLimits } from './sql-transactions.ts';

const open = 0x54; // T
const failed = 0x45; // E
const idle = 0x49; // I

interface Heard {
  bytes: string[];
  ended: (Error | undefined)[];
}

function setUp(limits: Partial<TransactionLimits> = {}) {
  const clock = createFakeClock();
  let random = 0;
  const transactions = createSqlTransactions({
    clock,
    randomBytes: (count) => new Uint8Array(count).fill(++random),
    limits,
  });
  const streams: ByteStream[] = [];
  const log: string[] = [];
  const openSession = (stream: ByteStream): void => {
    const n = streams.push(stream);
    stream.onData = (bytes) => {
      log.push(`${n}: ${new TextDecoder().decode(bytes)}`);
      return undefined;
    };
    stream.onClose = () => void log.push(`${n}: closed`);
  };
  const begin = (callerKey = 'alice', timeoutMs?: number) =>
    transactions.begin({ callerKey, timeoutMs, open: openSession });
  const enter = (token: string, callerKey = 'alice', onAbort: (listener: () => void) => void = () => {}) =>
    transactions.enter(token, callerKey, onAbort);
  return { clock, transactions, streams, log, begin, enter };
}

function connect(turn: TransactionTurn): SessionPort & Heard {
  const heard: Heard = { bytes: [], ended: [] };
  const listener: SessionListener = {
    onBytes: (bytes) => void heard.bytes.push(new TextDecoder().decode(bytes)),
    onEnded: (error) => void heard.ended.push(error),
  };
  return Object.assign(turn.connect(listener), heard);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  return error instanceof GatewayError ? error.code : String(error);
}

describe('turns', () => {
  test('one session serves one request after the other, each hears its own', async () => {
    const { begin, enter, streams, log, transactions } = setUp();
    const { token, turn } = begin();
    const first = connect(turn);
    first.send(text('BEGIN'));
    streams[0]?.write(text('one'));
    first.leave(open);
    expect(turn.state).toBe('open');
    const second = connect(await enter(token));
    streams[0]?.write(text('two'));
    // The first is done with it.
    first.send(text('late'));
    first.leave(undefined);
    second.send(text('COMMIT'));
    second.leave(idle);
    expect([first.bytes, second.bytes]).toEqual([['one'], ['two']]);
    await later();
    expect(log).toEqual(['1: BEGIN', '1: COMMIT', '1: closed']);
    expect(turn.state).toBe('over');
    expect(transactions.size).toBe(0);
    expect([first.ended, second.ended]).toEqual([[], []]);
  });

  test('a failed transaction is still there', async () => {
    const { begin, enter } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(failed);
    expect(turn.state).toBe('failed');
    const next = await enter(token);
    expect(next.state).toBe('failed');
    connect(next).leave(open); // ROLLBACK TO SAVEPOINT
    expect(next.state).toBe('open');
  });

  test('what arrives between turns is nobody’s', async () => {
    const { begin, enter, streams } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(open);
    streams[0]?.write(text('a notice'));
    const next = connect(await enter(token));
    expect(next.bytes).toEqual([]);
  });

  test('a backlog that is left behind holds nothing back', async () => {
    const { begin, enter, streams } = setUp();
    const { token, turn } = begin();
    const port = turn.connect({ onBytes: () => {}, onEnded: () => {}, bufferedBytes: 1_000_000 });
    const [stream] = streams;
    const drained: number[] = [];
    stream!.onDrain = () => void drained.push(stream!.bufferedBytes);
    expect(stream?.bufferedBytes).toBe(1_000_000);
    port.leave(open);
    // Its caller reads on at leisure; nobody else can tell the engine.
    port.drained();
    expect(drained).toEqual([0]);
    connect(await enter(token));
    expect(stream?.bufferedBytes).toBe(0);
  });

  test('giving up in the middle ends it', async () => {
    const { begin, enter, log } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(undefined);
    await later();
    expect(log).toEqual(['1: closed']);
    expect(await codeOf(enter(token))).toBe('transaction_unknown');
  });

  test('are queued in order, and those who leave the queue are forgotten', async () => {
    const { begin, enter } = setUp();
    const { token, turn } = begin();
    const first = connect(turn);
    const order: string[] = [];
    const wait = (name: string, onAbort?: (listener: () => void) => void) =>
      enter(token, 'alice', onAbort).then((granted) => {
        order.push(name);
        return granted;
      });
    const a = wait('a');
    let leave: () => void = () => {};
    const b = wait('b', (listener) => {
      leave = listener;
    });
    const c = wait('c');
    await later();
    expect(order).toEqual([]);
    leave();
    leave();
    expect(await codeOf(b)).toBe('query_cancelled');
    first.leave(open);
    const port = connect(await a);
    await later();
    expect(order).toEqual(['a']);
    port.leave(open);
    connect(await c).leave(open);
    expect(order).toEqual(['a', 'c']);
  });

  test('can be given back unused', async () => {
    const { begin, enter, log } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(failed);
    const next = await enter(token);
    next.skip();
    next.skip();
    expect(next.state).toBe('failed');
    connect(await enter(token)).leave(open);
    const unused = begin();
    unused.turn.skip();
    expect(unused.turn.state).toBe('over');
    expect(log).toEqual([]);
  });

  test('only so many wait', async () => {
    const { begin, enter } = setUp({ maxWaitingRequests: 2 });
    const { token, turn } = begin();
    connect(turn);
    void enter(token);
    void enter(token);
    expect(await codeOf(enter(token))).toBe('transaction_busy');
  });
});

describe('time', () => {
  test('between turns is limited', async () => {
    const { begin, enter, clock, log } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(open);
    clock.advance(14_999);
    connect(await enter(token)).leave(open);
    clock.advance(14_999);
    expect(log).toEqual([]);
    clock.advance(1);
    await later();
    expect(log).toEqual(['1: closed']);
    expect(await codeOf(enter(token))).toBe('transaction_expired');
    expect(clock.pendingTimers).toBe(0);
  });

  test('within a turn does not count as idle', () => {
    const { begin, clock, transactions } = setUp();
    connect(begin().turn);
    clock.advance(59_999);
    expect(transactions.size).toBe(1);
  });

  test.each([
    [undefined, 60_000],
    [1_000, 1_000],
    [120_000, 120_000],
    [999_999_999, 300_000],
  ])('of the whole, asked for: %s', async (asked, limit) => {
    const { begin, enter, clock } = setUp();
    const { token, turn } = begin('alice', asked);
    const port = connect(turn);
    const waiting = codeOf(enter(token));
    clock.advance(limit - 1);
    expect(port.ended).toEqual([]);
    clock.advance(1);
    expect(port.ended).toEqual([expect.objectContaining({ code: 'transaction_expired' })]);
    expect(await waiting).toBe('transaction_expired');
    expect(turn.state).toBe('over');
    port.leave(open);
    expect(await codeOf(enter(token))).toBe('transaction_expired');
    expect(clock.pendingTimers).toBe(0);
  });

  test('up before a granted turn is used', async () => {
    const { begin, enter, clock, streams } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(open);
    const granted = await enter(token);
    clock.advance(60_000);
    const port = connect(granted);
    expect(port.ended).toEqual([expect.objectContaining({ code: 'transaction_expired' })]);
    port.send(text('COMMIT'));
    expect(streams).toHaveLength(1);
  });
});

describe('the session ends by itself', () => {
  test('in a turn', async () => {
    const { begin, enter, streams } = setUp();
    const { token, turn } = begin();
    const port = connect(turn);
    streams[0]?.end();
    expect(port.ended).toEqual([undefined]);
    expect(turn.state).toBe('over');
    expect(await codeOf(enter(token))).toBe('server_connection_lost');
  });

  test('between turns', async () => {
    const { begin, enter, streams, clock } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(open);
    streams[0]?.destroy();
    expect(await codeOf(enter(token))).toBe('server_connection_lost');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('tokens', () => {
  test('have 256 bits and do not repeat', () => {
    const { begin } = setUp();
    const tokens = [begin().token, begin().token];
    for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
    expect(new Set(tokens).size).toBe(2);
  });

  test('open nothing when any character differs, for other callers, or afterwards', async () => {
    const { begin, enter } = setUp();
    const { token, turn } = begin();
    const port = connect(turn);
    port.leave(open);
    for (let at = 0; at < token.length; at++) {
      const other = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(await codeOf(enter(other))).toBe('transaction_unknown');
    }
    expect(await codeOf(enter(token, 'bob'))).toBe('transaction_unknown');
    connect(await enter(token)).leave(idle);
    expect(await codeOf(enter(token))).toBe('transaction_unknown');
  });

  test('of expired transactions tell nothing to others either', async () => {
    const { begin, enter, clock } = setUp();
    const { token, turn } = begin();
    connect(turn).leave(open);
    clock.advance(15_000);
    expect(await codeOf(enter(token, 'bob'))).toBe('transaction_unknown');
    expect(await codeOf(enter(`${token.slice(0, 42)}!`))).toBe('transaction_unknown');
    expect(await codeOf(enter(token))).toBe('transaction_expired');
  });
});

describe('limits', () => {
  test('so many transactions at once', () => {
    const { begin, transactions } = setUp({ maxTransactions: 2 });
    const { turn } = begin();
    begin();
    expect(() => begin()).toThrow(expect.objectContaining({ code: 'too_many_transactions', safeToRetry: true }));
    connect(turn).leave(idle);
    begin();
    expect(transactions.size).toBe(2);
  });

  test('so many are remembered', async () => {
    const { begin, enter, clock } = setUp({ maxRemembered: 2 });
    const tokens = [begin(), begin(), begin()].map(({ token, turn }) => {
      connect(turn).leave(open);
      return token;
    });
    clock.advance(15_000);
    expect(await Promise.all(tokens.map((token) => codeOf(enter(token))))).toEqual([
      'transaction_unknown',
      'transaction_expired',
      'transaction_expired',
    ]);
  });
});

test('the end of the gateway: those there are go on, nothing new begins', async () => {
  const { begin, enter, transactions } = setUp();
  const { token, turn } = begin();
  connect(turn).leave(open);
  transactions.close();
  expect(() => begin()).toThrow(expect.objectContaining({ code: 'shutting_down', safeToRetry: true }));
  connect(await enter(token)).leave(idle);
  expect(transactions.size).toBe(0);
});
