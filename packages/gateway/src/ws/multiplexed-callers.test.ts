// Who is let in on a WebSocket of many sessions, with an engine that only pretends and a clock that stands still.
import { createSessionFrameDecoder, encodeSessionEnd, encodeSessionFrame } from '@postern/contract';
import { createFakeClock } from '@postern/testkit';
import { concatBytes, encodePassword, encodeQuery, encodeStartupMessage, encodeTerminate } from '@postern/wire';
import { describe, expect, it } from 'vitest';
import { type AdmissionOptions, createAdmission } from '../startup/admission.ts';
import { createStartupFixture } from '../startup/startup.fixture.ts';
import { serveMultiplexedCallers } from './multiplexed-callers.ts';
import type { WebSocketStream } from './websocket-stream.ts';

const hello = concatBytes([encodeStartupMessage({ parameters: [['user', 'alice']] }), encodePassword('secret')]);

function setUp(options: { admission?: AdmissionOptions; offered?: string[] } = {}) {
  const clock = createFakeClock();
  const { accept, engine, log } = createStartupFixture({ clock });
  const admission = createAdmission(options.admission);
  const closes: { code: number; reason: string }[] = [];
  const whenClosed: (() => void)[] = [];
  const received = new Map<number, string>();
  const decoder = createSessionFrameDecoder({
    onBytes: (id, bytes) => void received.set(id, (received.get(id) ?? '') + new TextDecoder('latin1').decode(bytes)),
    onEnd: (id) => void received.set(id, `${received.get(id) ?? ''}<end>`),
    onCredit: () => {},
  });
  const stream: WebSocketStream = {
    security: 'loopback',
    onData: undefined,
    onDrain: undefined,
    onClose: undefined,
    onReceived: undefined,
    receive: () => {},
    bufferedBytes: 0,
    write(bytes) {
      decoder.push(bytes);
      return false;
    },
    pause: () => {},
    resume: () => {},
    beat: () => {},
    end: () => void closes.push({ code: 1001, reason: '' }),
    destroy: () => {},
    endWith: (code, reason) => void closes.push({ code, reason }),
  };
  let logins = 0;
  const callers = serveMultiplexedCallers({
    ...{ accept, admission, clock, stream, authTimeoutMs: 10_000 },
    log: (event) => void log.push({ ...event }),
    from: { transport: 'ws', address: '127.0.0.1', host: undefined, targetAddress: undefined, urlOptions: undefined },
    offered: options.offered ?? ['postern.v1'],
    authenticated: () => void logins++,
    whenClosed: (callback) => void whenClosed.push(callback),
  });
  const arrive = (session: number, bytes: Uint8Array): void =>
    void stream.onData?.(bytes.length === 0 ? encodeSessionEnd(session) : encodeSessionFrame(session, bytes));
  const close = (): void => {
    stream.onClose?.();
    for (const callback of whenClosed) callback();
  };
  return { ...{ callers, clock, engine, log, admission, closes, received, arrive, close }, logins: () => logins };
}

const nothing = new Uint8Array(0);

describe('a WebSocket', () => {
  it('on which nobody logs in is closed, whatever else is said', () => {
    const { clock, closes, log, arrive, received } = setUp();
    arrive(1, Uint8Array.of(0, 0));
    arrive(2, nothing);
    clock.advance(9_999);
    expect(closes).toEqual([]);
    clock.advance(1);
    expect(closes).toEqual([{ code: 1008, reason: 'nobody logged in within 10 s' }]);
    expect(received.get(2)).toBe('<end>');
    expect(log).toContainEqual(expect.objectContaining({ event: 'caller_refused', code: 'authentication_timeout' }));
  });

  it('on which somebody logged in may stay, without sessions too', async () => {
    const { clock, closes, arrive, engine, logins, received, admission } = setUp();
    arrive(1, hello);
    await expect.poll(() => engine.sessions).toHaveLength(1);
    expect(logins()).toBe(1);
    arrive(1, encodeTerminate());
    await expect.poll(() => received.get(1)).toMatch(/<end>$/);
    expect(admission.callers).toBe(0);
    clock.advance(100_000);
    expect(closes).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    arrive(2, concatBytes([hello, encodeQuery('select 2')]));
    await expect.poll(() => received.get(2)).toContain('alice@alice: select 2');
  });

  it('that is gone leaves neither callers nor timers', async () => {
    const { clock, arrive, admission, close, engine } = setUp();
    arrive(1, hello);
    await expect.poll(() => engine.sessions).toHaveLength(1);
    const before = clock.pendingTimers;
    arrive(2, Uint8Array.of(0, 0));
    expect(clock.pendingTimers).toBe(before + 1);
    expect(admission.callers).toBe(2);
    close();
    await Promise.resolve();
    expect(admission.callers).toBe(0);
    expect(clock.pendingTimers).toBe(before);
  });

  it('goes away when its last session has', async () => {
    const { callers, closes, arrive, engine } = setUp();
    arrive(1, hello);
    await expect.poll(() => engine.sessions).toHaveLength(1);
    callers.goAway();
    expect(closes).toEqual([]);
    arrive(1, encodeTerminate());
    await expect.poll(() => closes).toEqual([{ code: 1001, reason: '' }]);
    const empty = setUp();
    empty.callers.goAway();
    expect(empty.closes).toEqual([{ code: 1001, reason: '' }]);
  });

  it('with a hello that is none is closed', () => {
    const { closes, log } = setUp({ offered: ['postern.v1', 'p.a'] });
    expect(closes).toEqual([{ code: 1002, reason: 'the hello is not base64url' }]);
    expect(log).toContainEqual(expect.objectContaining({ event: 'caller_refused', code: 'protocol_violation' }));
  });
});

describe('a session', () => {
  it('too many is told so, the others stay', async () => {
    const { arrive, engine, received, closes } = setUp({ admission: { maxCallers: 1 } });
    arrive(1, hello);
    await expect.poll(() => engine.sessions).toHaveLength(1);
    arrive(2, hello);
    await expect.poll(() => received.get(2)).toMatch(/53300.*<end>$/s);
    arrive(1, encodeQuery('select 1'));
    expect(received.get(1)).toContain('alice@alice: select 1');
    expect(closes).toEqual([]);
  });

  it('with a wrong password is told so', async () => {
    const { arrive, received, clock, closes, logins } = setUp();
    arrive(1, concatBytes([encodeStartupMessage({ parameters: [['user', 'alice']] }), encodePassword('wrong')]));
    await expect
      .poll(() => {
        clock.advance(10);
        return received.get(1);
      })
      .toMatch(/28P01.*<end>$/s);
    expect(logins()).toBe(0);
    expect(closes).toEqual([]);
  });
});
