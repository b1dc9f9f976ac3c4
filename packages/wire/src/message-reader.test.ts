import { describe, expect, test } from 'vitest';
import { concatBytes } from './bytes/concat-bytes.ts';
import { createMessageReader, type MessageReader } from './message-reader.ts';
import { encodeSync } from './messages/bodyless.ts';
import { encodeCopyData } from './messages/copy.ts';
import { encodeDataRow } from './messages/data-row.ts';
import { encodeQuery } from './messages/single-text.ts';
import { fromHex } from './testing/from-hex.ts';
import { protocolErrorFrom } from './testing/protocol-error-from.ts';
import { createSeededRandom } from './testing/seeded-random.ts';

type Message = readonly [code: number, body: Uint8Array];

/** A reader that copies what it is given. */
function createCollector(maxMessageBytes = 1000): { reader: MessageReader; messages: Message[] } {
  const messages: Message[] = [];
  const reader = createMessageReader({
    maxMessageBytes,
    onMessage: (code, body) => messages.push([code, body.slice()]),
  });
  return { reader, messages };
}

const parts = [encodeQuery('SELECT 1'), encodeSync(), encodeDataRow(['a', null, '']), encodeSync(), encodeQuery('')];
const stream = concatBytes(parts);
const expected: Message[] = parts.map((part) => [part[0]!, part.slice(5)]);

describe('whatever the chunks', () => {
  test('all at once', () => {
    const { reader, messages } = createCollector();
    reader.push(stream);
    expect(messages).toEqual(expected);
    expect(reader.bufferedBytes).toBe(0);
  });

  test('cut in two at every byte', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const { reader, messages } = createCollector();
      reader.push(stream.subarray(0, cut));
      const delivered = messages.reduce((sum, [, body]) => sum + 5 + body.length, 0);
      expect(reader.bufferedBytes).toBe(cut - delivered);
      reader.push(stream.subarray(cut));
      expect(messages).toEqual(expected);
    }
  });

  test('cut in three at every pair of bytes', () => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const { reader, messages } = createCollector();
        for (const chunk of [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]) {
          reader.push(chunk);
        }
        expect(messages).toEqual(expected);
      }
    }
  });

  test('byte by byte', () => {
    const { reader, messages } = createCollector();
    for (const byte of stream) reader.push(Uint8Array.of(byte));
    expect(messages).toEqual(expected);
  });

  test('random messages in random chunks, from one reused buffer', () => {
    const random = createSeededRandom(4);
    const sent: Uint8Array[] = [];
    for (let index = 0; index < 300; index++) {
      sent.push(encodeCopyData(random.bytes(random.below(index % 20 === 0 ? 20_000 : 60))));
    }
    const bytes = concatBytes(sent);
    const { reader, messages } = createCollector(100_000);
    const readBuffer = new Uint8Array(4096);
    for (let at = 0; at < bytes.length; ) {
      const chunk = bytes.subarray(at, at + random.below(random.below(2) === 0 ? 10 : readBuffer.length) + 1);
      readBuffer.fill(0xee);
      readBuffer.set(chunk);
      reader.push(readBuffer.subarray(0, chunk.length));
      at += chunk.length;
    }
    expect(messages).toEqual(sent.map((message) => [message[0]!, message.slice(5)]));
  });
});

test('a large message in chunks of one byte takes linear time', () => {
  // With one copy of what was gathered per chunk this would move 4.5 terabytes.
  const message = encodeCopyData(new Uint8Array(3_000_000));
  const { reader, messages } = createCollector(message.length);
  for (let at = 0; at < message.length; at++) reader.push(message.subarray(at, at + 1));
  expect(messages[0]?.[1]).toHaveLength(3_000_000);
});

test('whole messages are handed on without a copy', () => {
  const buffers = new Set<ArrayBufferLike>();
  const reader = createMessageReader({ maxMessageBytes: 1000, onMessage: (_code, body) => buffers.add(body.buffer) });
  reader.push(stream);
  expect(buffers).toEqual(new Set([stream.buffer]));
});

test('rows are given by their place where that is asked for, however they are cut', () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    const messages: Message[] = [];
    const reader = createMessageReader({
      maxMessageBytes: 1000,
      onMessage: (code, body) => messages.push([code, body.slice()]),
      onDataRow: (bytes, start, end) => messages.push([0x44, bytes.slice(start, end)]),
    });
    reader.push(stream.subarray(0, cut));
    reader.push(stream.subarray(cut));
    expect(messages).toEqual(expected);
  }
});

test('a declared length costs nothing until its bytes arrive', () => {
  const { reader } = createCollector(2 ** 32);
  const before = process.memoryUsage().arrayBuffers;
  reader.push(fromHex('64 7fffffff 010203'));
  expect(reader.bufferedBytes).toBe(8);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
});

describe('lengths', () => {
  test.each([0, 1, 2, 3])('%i is less than the field itself', (length) => {
    const { reader } = createCollector();
    expect(protocolErrorFrom(() => reader.push(Uint8Array.of(0x51, 0, 0, 0, length)))).toMatchObject({
      side: 'remote',
      code: '08P01',
    });
  });

  test('4 is an empty body', () => {
    const { reader, messages } = createCollector();
    reader.push(fromHex('53 00000004'));
    expect(messages).toEqual([[0x53, new Uint8Array(0)]]);
  });

  test.each(['80000000', 'ffffffff', '7fffffff', '00000015'])('0x%s exceeds a limit of 20', (length) => {
    const header = fromHex(`51 ${length}`);
    for (let cut = 0; cut < header.length; cut++) {
      const { reader } = createCollector(20);
      reader.push(header.subarray(0, cut));
      const error = protocolErrorFrom(() => reader.push(header.subarray(cut)));
      expect(error).toMatchObject({ side: 'remote', code: '54000' });
      expect(error.message).toContain('20 bytes');
    }
  });

  test('the limit itself is allowed', () => {
    const { reader, messages } = createCollector(20);
    reader.push(concatBytes([fromHex('51 00000014'), new Uint8Array(16)]));
    expect(messages).toHaveLength(1);
  });
});

describe('after an error', () => {
  test('messages before it have been delivered, and the reader stays failed', () => {
    const { reader, messages } = createCollector();
    const error = protocolErrorFrom(() =>
      reader.push(concatBytes([encodeSync(), fromHex('51 00000003'), encodeSync()])),
    );
    expect(messages).toHaveLength(1);
    expect(protocolErrorFrom(() => reader.push(encodeSync()))).toBe(error);
    expect(protocolErrorFrom(() => reader.detach())).toBe(error);
    expect(messages).toHaveLength(1);
    expect(reader.bufferedBytes).toBe(0);
  });

  test('what onMessage throws comes out, and nothing is delivered twice', () => {
    const failure = new Error('handler');
    let calls = 0;
    const reader = createMessageReader({
      maxMessageBytes: 100,
      onMessage() {
        calls++;
        throw failure;
      },
    });
    for (let attempt = 0; attempt < 2; attempt++) expect(() => reader.push(stream)).toThrow(failure);
    expect(calls).toBe(1);
  });

  test('push from within onMessage is refused', () => {
    const reader = createMessageReader({ maxMessageBytes: 100, onMessage: () => reader.push(stream) });
    expect(protocolErrorFrom(() => reader.push(stream)).side).toBe('local');
  });

  test('garbage gives messages or a ProtocolError, never anything else', () => {
    const random = createSeededRandom(5);
    for (let round = 0; round < 2000; round++) {
      const { reader } = createCollector(50);
      try {
        for (let chunk = 0; chunk < 4; chunk++) {
          reader.push(random.bytes(random.below(30)).map((byte) => (random.below(2) === 0 ? byte : 0)));
        }
      } catch (error) {
        expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
      }
      expect(reader.bufferedBytes).toBeLessThanOrEqual(51);
    }
  });
});

describe('detach', () => {
  test('at every message, with every cut, nothing is lost and nothing doubled', () => {
    for (let stopAt = 1; stopAt <= parts.length; stopAt++) {
      for (let cut = 0; cut <= stream.length; cut++) {
        let rest: Uint8Array | undefined;
        let delivered = 0;
        const reader = createMessageReader({
          maxMessageBytes: 1000,
          onMessage() {
            if (++delivered === stopAt) rest = reader.detach();
          },
        });
        reader.push(stream.subarray(0, cut));
        let pushed = cut;
        if (rest === undefined) {
          reader.push(stream.subarray(cut));
          pushed = stream.length;
        }
        const consumed = concatBytes(parts.slice(0, stopAt)).length;
        expect(delivered).toBe(stopAt);
        expect(rest).toEqual(stream.subarray(consumed, pushed));
      }
    }
  });

  test('between messages it gives the beginning of the next, as a copy', () => {
    const { reader } = createCollector();
    const chunk = fromHex('53 00000004 51 0000');
    reader.push(chunk);
    const rest = reader.detach();
    chunk.fill(0);
    expect(rest).toEqual(fromHex('51 0000'));
    expect(reader.bufferedBytes).toBe(0);
    expect(protocolErrorFrom(() => reader.push(stream)).side).toBe('local');
  });
});
