import type { ByteStream } from '@postern/pool';
import { createFakeClock, type FakeClock } from '@postern/testkit';
import { describe, expect, test } from 'vitest';
import { createKeptSessions, type KeptSessions, type KeptSessionsOptions } from './kept-sessions.ts';
import type { SessionPort } from './session-port.ts';

interface OpenedSession {
  readonly stream: ByteStream;
  isUntouched: boolean;
  isSpare: boolean;
  isClosed: boolean;
}

interface Fixture {
  readonly kept: KeptSessions;
  readonly clock: FakeClock;
  /** Every session that was ever opened. */
  readonly opened: OpenedSession[];
  /** What requests heard. */
  readonly heard: string[];
  /** A request of this caller gets a session. */
  request(name: string, owner?: { callerKey?: string; settings?: object }): SessionPort;
}

const settings = {};
const idle = 0x49;

function create(options: Partial<KeptSessionsOptions> = {}): Fixture {
  const clock = createFakeClock();
  const kept = createKeptSessions({ clock, namePrefix: 's', ...options });
  const opened: OpenedSession[] = [];
  const heard: string[] = [];
  return {
    ...{ kept, clock, opened, heard },
    request(name, owner = {}) {
      const openSession = (stream: ByteStream): OpenedSession => {
        const session = { stream, isUntouched: true, isSpare: false, isClosed: false };
        stream.onData = () => undefined;
        stream.onClose = () => {
          session.isClosed = true;
        };
        opened.push(session);
        return session;
      };
      return kept.lend(
        { callerKey: 'a', settings, openSession, ...owner },
        {
          onBytes: (bytes) => void heard.push(`${name} ${bytes[0]}`),
          onEnded: () => void heard.push(`${name} ended`),
        },
      );
    },
  };
}

/** Streams close behind the event that ends them. */
async function closed({ opened }: Fixture): Promise<boolean[]> {
  await Promise.resolve();
  return opened.map(({ isClosed }) => isClosed);
}

test('a session serves one request after another, each hears its own', () => {
  const fixture = create();
  const first = fixture.request('first');
  fixture.opened[0]!.stream.write(Uint8Array.of(1));
  first.leave(idle);
  expect(fixture.opened[0]!.isSpare).toBe(true);
  fixture.opened[0]!.stream.write(Uint8Array.of(2));
  const second = fixture.request('second');
  expect(fixture.opened[0]!.isSpare).toBe(false);
  fixture.opened[0]!.stream.write(Uint8Array.of(3));
  // Late words of the first reach nobody.
  first.leave(undefined);
  first.send(Uint8Array.of(0));
  expect(fixture.heard).toEqual(['first 1', 'second 3']);
  second.leave(idle);
  expect(fixture.opened).toHaveLength(1);
});

test('requests at the same time have sessions of their own', () => {
  const fixture = create();
  const ports = [fixture.request('a'), fixture.request('b')];
  for (const port of ports) port.leave(idle);
  fixture.request('c');
  fixture.request('d');
  expect(fixture.opened).toHaveLength(2);
});

test.each([
  ['of another caller', { callerKey: 'b' }],
  ['with other settings', { settings: {} }],
])('a request %s gets none of these', (_, owner) => {
  const fixture = create();
  fixture.request('a').leave(idle);
  fixture.request('b', owner);
  expect(fixture.opened).toHaveLength(2);
});

describe('a session is closed behind a request', () => {
  test.each([
    { why: 'that left something', isUntouched: false, status: idle },
    { why: 'that left a transaction open', isUntouched: true, status: 0x54 },
    { why: 'that gave up', isUntouched: true, status: undefined },
  ])('$why', async ({ isUntouched, status }) => {
    const fixture = create();
    const port = fixture.request('a');
    fixture.opened[0]!.isUntouched = isUntouched;
    port.leave(status);
    expect(await closed(fixture)).toEqual([true]);
    fixture.request('b');
    expect(fixture.opened).toHaveLength(2);
  });

  test('that prepared a statement and failed, but not behind one that had it', async () => {
    const fixture = create();
    const first = fixture.request('a');
    first.statements?.add('select 1');
    first.leave(idle);
    const second = fixture.request('b');
    expect(second.statements?.get('select 1')).toBe('s0');
    second.leave(idle, true);
    expect(await closed(fixture)).toEqual([false]);
    const third = fixture.request('c');
    third.statements?.add('select 2');
    third.leave(idle, true);
    expect(await closed(fixture)).toEqual([true]);
  });

  test('when it has as many statements as it may', async () => {
    const fixture = create({ maxStatements: 2 });
    const port = fixture.request('a');
    expect(['x', 'y', 'z'].map((text) => port.statements?.add(text))).toEqual(['s0', 's1', undefined]);
    port.leave(idle);
    expect(await closed(fixture)).toEqual([true]);
  });

  test('when there are as many idle ones as there may be', async () => {
    const fixture = create({ maxIdle: 1 });
    const ports = [fixture.request('a'), fixture.request('b')];
    for (const port of ports) port.leave(idle);
    expect(await closed(fixture)).toEqual([false, true]);
  });
});

test('an idle session is closed after its time, a used one stays', async () => {
  const fixture = create({ idleTimeoutMs: 1_000 });
  const ports = [fixture.request('a'), fixture.request('b')];
  for (const port of ports) port.leave(idle);
  for (let times = 0; times < 5; times++) {
    fixture.clock.advance(500);
    fixture.request('c').leave(idle);
  }
  expect(await closed(fixture)).toEqual([true, false]);
  fixture.clock.advance(2_000);
  expect(await closed(fixture)).toEqual([true, true]);
});

test('a session that the engine ends is not lent any more, and its request is told', () => {
  const fixture = create();
  fixture.request('a').leave(idle);
  fixture.opened[0]!.stream.end();
  const port = fixture.request('b');
  expect(fixture.opened).toHaveLength(2);
  fixture.opened[1]!.stream.end();
  port.leave(idle);
  expect(fixture.heard).toEqual(['b ended']);
  fixture.request('c');
  expect(fixture.opened).toHaveLength(3);
});
