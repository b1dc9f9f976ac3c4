import {
  createSessionFrameDecoder,
  encodeSessionCredit,
  encodeSessionEnd,
  encodeSessionFrame,
  type SessionFrameError,
  sessionLimits,
} from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { describe, expect, it } from 'vitest';
import type { MultiplexedStream } from './multiplexed-stream.ts';
import { createSessionMultiplexer, type SessionMultiplexer } from './session-multiplexer.ts';

const { windowBytes, creditStepBytes } = sessionLimits;

/** A network that takes everything at once, unless told to hold it back. */
function createNetwork(): ByteStream & { sent: Uint8Array[]; bufferedBytes: number; isPaused: boolean } {
  return {
    sent: [],
    bufferedBytes: 0,
    isPaused: false,
    security: 'tls',
    onData: undefined,
    onDrain: undefined,
    onClose: undefined,
    write(bytes) {
      this.sent.push(bytes);
      return false;
    },
    pause() {
      this.isPaused = true;
    },
    resume() {
      this.isPaused = false;
    },
    end: () => {},
    destroy: () => {},
  };
}

interface Opened {
  stream: MultiplexedStream;
  read: number[];
  log: string[];
}

function setUp(options: { maxSessions?: number } = {}) {
  const network = createNetwork();
  const opened: Opened[] = [];
  const violations: SessionFrameError[] = [];
  const multiplexer: SessionMultiplexer = createSessionMultiplexer({
    transport: network,
    ...options,
    onSession(stream) {
      const session: Opened = { stream, read: [], log: [] };
      opened.push(session);
      stream.onData = (bytes) => {
        session.read.push(...bytes);
        return undefined;
      };
      stream.onDrain = () => void session.log.push('drain');
      stream.onClose = (error) => void session.log.push(error === undefined ? 'close' : `close: ${error.message}`);
      stream.onEnded = () => void session.log.push('ended');
    },
    onViolation: (error) => void violations.push(error),
  });
  const arrive = (...frames: Uint8Array[]): void => {
    for (const frame of frames) {
      network.onData?.(frame);
      frame.fill(0xee);
    }
  };
  /** What was sent since the last call, per session: bytes as their number, credits and ends as words. */
  const sent = (): Record<number, (number | string)[]> => {
    const found: Record<number, (number | string)[]> = {};
    const add = (session: number, what: number | string): void => {
      found[session] ??= [];
      const list = found[session];
      const last = list.at(-1);
      if (typeof last === 'number' && typeof what === 'number') list[list.length - 1] = last + what;
      else list.push(what);
    };
    const decoder = createSessionFrameDecoder({
      onBytes: (session, bytes) => add(session, bytes.length),
      onEnd: (session) => add(session, 'end'),
      onCredit: (session, bytes) => add(session, `credit ${bytes}`),
    });
    for (const frame of network.sent.splice(0)) decoder.push(frame);
    return found;
  };
  return { network, opened, violations, multiplexer, arrive, sent };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const block = (size: number): Uint8Array => new Uint8Array(size);
const later = (): Promise<void> => Promise.resolve();

describe('sessions', () => {
  it('begin with their first frame and end with an empty one', async () => {
    const { opened, arrive, sent, multiplexer } = setUp();
    arrive(encodeSessionFrame(1, bytes(1, 2)), encodeSessionFrame(5, bytes(3)), encodeSessionFrame(1, bytes(4)));
    expect(opened.map(({ read }) => read)).toEqual([[1, 2, 4], [3]]);
    expect(opened[0]?.stream.security).toBe('tls');
    arrive(encodeSessionEnd(1));
    await later();
    expect(opened[0]?.log).toEqual(['close', 'ended']);
    expect(multiplexer.sessions).toBe(1);
    opened[1]?.stream.write(bytes(7, 7, 7));
    opened[1]?.stream.end();
    opened[1]?.stream.destroy();
    await later();
    expect(opened[1]?.log).toEqual(['close', 'ended']);
    expect(multiplexer.sessions).toBe(0);
    // Each end is answered or told exactly once.
    expect(sent()).toEqual({ 1: ['end'], 5: [3, 'end'] });
  });

  it('that are over are deaf and mute', async () => {
    const { opened, arrive, sent, violations } = setUp();
    arrive(encodeSessionFrame(3, bytes(1)));
    opened[0]?.stream.end();
    arrive(
      encodeSessionFrame(3, bytes(2)),
      encodeSessionCredit(3, 1),
      encodeSessionEnd(3),
      encodeSessionFrame(2, bytes(9)),
    );
    expect(opened[0]?.stream.write(bytes(1))).toBe(true);
    await later();
    expect(opened).toHaveLength(1);
    expect(opened[0]?.read).toEqual([1]);
    expect(sent()).toEqual({ 3: ['end'] });
    expect(violations).toEqual([]);
  });

  it('all end with the WebSocket', async () => {
    const { network, opened, arrive, sent } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)), encodeSessionFrame(2, bytes(1)));
    network.onClose?.(new Error('broken'));
    await later();
    expect(opened.map(({ log }) => log)).toEqual([
      ['close: broken', 'ended'],
      ['close: broken', 'ended'],
    ]);
    expect(sent()).toEqual({});
  });

  it('send large writes in messages of 64 KiB', () => {
    const { network, opened, arrive, sent } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)));
    opened[0]?.stream.write(block(200_000));
    expect(Math.max(...network.sent.map(({ length }) => length))).toBe(65_536);
    expect(sent()).toEqual({ 1: [200_000] });
  });

  it('copy what they are given to write', () => {
    const { network, opened, arrive } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)));
    const written = bytes(5);
    expect(opened[0]?.stream.write(written)).toBe(true);
    written[0] = 0xee;
    expect(network.sent[0]?.at(-1)).toBe(5);
  });
});

describe('what the caller sends', () => {
  it('is kept while the session is paused, and comes in order', async () => {
    const { opened, arrive } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)));
    const { stream, read } = opened[0]!;
    stream.pause();
    arrive(encodeSessionFrame(1, bytes(2)), encodeSessionFrame(1, bytes(3)));
    expect(read).toEqual([1]);
    stream.resume();
    arrive(encodeSessionFrame(1, bytes(4)));
    await later();
    expect(read).toEqual([1, 2, 3, 4]);
    stream.resume();
    arrive(encodeSessionFrame(1, bytes(5)));
    expect(read).toEqual([1, 2, 3, 4, 5]);
  });

  it('does not come to a session that pauses in the middle, or is over', async () => {
    const { opened, arrive } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)));
    const { stream, read } = opened[0]!;
    stream.pause();
    arrive(encodeSessionFrame(1, bytes(2)), encodeSessionFrame(1, bytes(3)), encodeSessionFrame(1, bytes(4)));
    const { onData } = stream;
    stream.onData = (data) => {
      if (data[0] === 2) stream.pause();
      if (data[0] === 3) stream.end();
      return onData?.(data);
    };
    stream.resume();
    await later();
    expect(read).toEqual([1, 2]);
    stream.resume();
    await later();
    expect(read).toEqual([1, 2, 3]);
  });

  it('earns credit when it has been consumed, not when it has arrived', async () => {
    const { opened, arrive, sent } = setUp();
    arrive(encodeSessionFrame(1, block(1)));
    const { stream } = opened[0]!;
    stream.onData = () => undefined;
    arrive(encodeSessionFrame(1, block(creditStepBytes - 2)));
    expect(sent()).toEqual({});
    stream.pause();
    arrive(encodeSessionFrame(1, block(10)));
    expect(sent()).toEqual({});
    stream.resume();
    await later();
    expect(sent()).toEqual({ 1: [`credit ${creditStepBytes + 9}`] });
    // With the credit the whole window is there again.
    stream.pause();
    arrive(encodeSessionFrame(1, block(windowBytes)));
    stream.resume();
    await later();
    expect(sent()).toEqual({ 1: [`credit ${windowBytes}`] });
  });

  it('beyond the window is a violation that ends all sessions', async () => {
    const { opened, arrive, violations } = setUp();
    arrive(encodeSessionFrame(2, bytes(1)), encodeSessionFrame(3, bytes(1)));
    opened[0]?.stream.pause();
    arrive(encodeSessionFrame(2, block(windowBytes - 1)));
    expect(violations).toEqual([]);
    arrive(encodeSessionFrame(2, bytes(1)));
    expect(violations[0]?.message).toMatch(/without credit/);
    await later();
    expect(opened.map(({ log }) => log)).toEqual([
      [expect.stringMatching(/^close: /), 'ended'],
      [expect.stringMatching(/^close: /), 'ended'],
    ]);
    // Nothing is read any more.
    arrive(encodeSessionFrame(9, bytes(1)));
    expect(opened).toHaveLength(2);
  });
});

describe('what the session writes', () => {
  it('stops at the window and goes on with credit, without a hole', async () => {
    const { network, opened, arrive, sent } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)), encodeSessionFrame(2, bytes(1)));
    const [slow, quick] = opened;
    const all = Uint8Array.from({ length: windowBytes + 100_000 }, (_, index) => (index * 7) % 251);
    // Its memory is used again, and it is a Buffer, whose slice() does not copy.
    const write = (start: number, end: number): void => {
      const memory = Buffer.from(all.subarray(start, end));
      slow?.stream.write(memory);
      memory.fill(0xff);
    };
    write(0, windowBytes - 10);
    write(windowBytes - 10, windowBytes + 50_000);
    write(windowBytes + 50_000, all.length);
    expect(slow?.stream.bufferedBytes).toBe(100_000);
    // The other session is not held up.
    quick?.stream.write(bytes(1, 2, 3));
    expect(quick?.stream.bufferedBytes).toBe(0);
    const parts: Uint8Array[] = [];
    const decoder = createSessionFrameDecoder({
      onBytes: (session, part) => void (session === 1 && parts.push(part.slice())),
      onEnd: () => {},
      onCredit: () => {},
    });
    arrive(encodeSessionCredit(1, 60_000));
    expect(slow?.stream.bufferedBytes).toBe(40_000);
    expect(slow?.log).toEqual([]);
    arrive(encodeSessionCredit(1, 300_000));
    expect(slow?.stream.bufferedBytes).toBe(0);
    expect(slow?.log).toEqual(['drain']);
    for (const frame of network.sent) decoder.push(frame);
    expect(Buffer.concat(parts).equals(all)).toBe(true);
    expect(sent()).toEqual({ 1: [all.length], 2: [3] });
  });

  it('is flushed before an ordinary end, and dropped by a sudden one', async () => {
    const { opened, arrive, sent } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)), encodeSessionFrame(2, bytes(1)));
    for (const { stream } of opened) stream.write(block(windowBytes + 5));
    opened[0]?.stream.end();
    opened[1]?.stream.destroy();
    await later();
    expect(opened.map(({ log }) => log)).toEqual([[], ['close', 'ended']]);
    arrive(encodeSessionCredit(1, 100), encodeSessionCredit(2, 100));
    await later();
    expect(opened[0]?.log).toEqual(['close', 'ended']);
    expect(sent()).toEqual({ 1: [windowBytes + 5, 'end'], 2: [windowBytes, 'end'] });
  });

  it('of sessions without end is not made for a caller that does not read it', () => {
    const { network, arrive } = setUp();
    // What open sessions have under way holds up nobody.
    arrive(encodeSessionFrame(1, bytes(1)), encodeSessionFrame(2, bytes(1)));
    network.bufferedBytes = 3 * windowBytes;
    arrive(encodeSessionFrame(1, bytes(1)));
    expect(network.isPaused).toBe(false);
    arrive(encodeSessionEnd(2));
    expect(network.isPaused).toBe(true);
    network.bufferedBytes = 0;
    network.onDrain?.();
    expect(network.isPaused).toBe(false);
  });

  it('waits for a network that is behind, all sessions alike', () => {
    const { network, opened, arrive } = setUp();
    arrive(encodeSessionFrame(1, bytes(1)), encodeSessionFrame(2, bytes(1)));
    network.bufferedBytes = 2_000_000;
    opened[0]?.stream.write(block(10));
    expect(opened.map(({ stream }) => stream.bufferedBytes)).toEqual([2_000_000, 2_000_000]);
    network.bufferedBytes = 0;
    network.onDrain?.();
    expect(opened.map(({ log }) => log)).toEqual([['drain'], ['drain']]);
  });
});

describe('violations', () => {
  it.each([
    ['garbage', () => [block(8)], 'empty'],
    ['credit for a session that never began', () => [encodeSessionCredit(2, 1)], 'never began'],
    ['more credit than was used', () => [encodeSessionCredit(1, 1)], 'more credit'],
    ['too many sessions', () => [2, 3].map((id) => encodeSessionFrame(id, bytes(1))), 'more than 2 sessions'],
  ])('%s', (_, frames, reason) => {
    const { arrive, violations, multiplexer } = setUp({ maxSessions: 2 });
    arrive(encodeSessionFrame(1, bytes(1)));
    arrive(...frames());
    expect(violations.map(({ message }) => message)).toEqual([expect.stringContaining(reason)]);
    expect(multiplexer.sessions).toBe(0);
  });

  it('sessions that are over make room', () => {
    const { arrive, violations, opened } = setUp({ maxSessions: 2 });
    for (let id = 1; id < 100; id++) arrive(encodeSessionFrame(id, bytes(1)), encodeSessionEnd(id));
    expect(opened).toHaveLength(99);
    expect(violations).toEqual([]);
  });
});
