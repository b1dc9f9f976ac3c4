import { createFakeClock } from '@postern/testkit';
import { encodeText } from '@postern/wire';
import { expect, test } from 'vitest';
import { createFrameMemory, createWebSocketStream, type FrameTransport } from './websocket-stream.ts';

const pong = 0x8a;

/** With a mask of zeros. */
function ping(text: string): Uint8Array {
  return Uint8Array.of(0x89, 0x80 | text.length, 0, 0, 0, 0, ...encodeText(text));
}

test('of the pings of a peer that does not read only the latest is answered', () => {
  const written: Uint8Array[] = [];
  const transport: FrameTransport & { bufferedBytes: number } = {
    ...{ onData: undefined, onDrain: undefined, onClose: undefined, security: 'plain', bufferedBytes: 0, sentBytes: 0 },
    write: (bytes) => written.push(new Uint8Array(bytes)) > 0,
    writeBehind: () => true,
    ...{ pause() {}, resume() {}, end() {}, destroy() {} },
  };
  createWebSocketStream({
    transport,
    settings: {
      clock: createFakeClock(),
      closeTimeoutMs: 1_000,
      memory: createFrameMemory((bytes) => new Uint8Array(bytes)),
      endCode: () => 1000,
    },
    owner: { violated() {}, gone() {} },
    ...{ security: 'plain', maxMessageBytes: 1_000, tellsViolations: true },
  });
  transport.onData?.(ping('a'));
  transport.bufferedBytes = 10;
  for (let i = 0; i < 1_000; i++) transport.onData?.(ping(`${i}`));
  expect(written).toEqual([Uint8Array.of(pong, 1, ...encodeText('a'))]);
  transport.bufferedBytes = 0;
  transport.onDrain?.();
  expect(written.slice(1)).toEqual([Uint8Array.of(pong, 3, ...encodeText('999'))]);
});
