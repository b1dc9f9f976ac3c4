import { describe, expect, test } from 'vitest';
import { concatBytes } from './bytes/concat-bytes.ts';
import { encodeText } from './bytes/text.ts';
import {
  encodeCancelRequest,
  encodeGssencRequest,
  encodeSslRequest,
  encodeStartupMessage,
} from './messages/startup-packets.ts';
import { createStartupDecoder, type StartupPacket } from './startup-decoder.ts';
import { fromHex } from './testing/from-hex.ts';
import { protocolErrorFrom } from './testing/protocol-error-from.ts';
import { createSeededRandom } from './testing/seeded-random.ts';

const none = new Uint8Array(0);

/** A StartupMessage of protocol 3.0 around any parameter bytes, correct or not. */
function startupOf(parameters: string, version = '00030000'): Uint8Array {
  const body = concatBytes([fromHex(version), encodeText(parameters)]);
  return concatBytes([fromHex((body.length + 4).toString(16).padStart(8, '0')), body]);
}

const packets: readonly [string, Uint8Array, StartupPacket][] = [
  [
    'StartupMessage',
    encodeStartupMessage({
      parameters: [
        ['user', 'ü'],
        ['database', 'db'],
        ['options', '-c a=b'],
      ],
    }),
    {
      kind: 'startup',
      minor: 0,
      parameters: new Map([
        ['user', 'ü'],
        ['database', 'db'],
        ['options', '-c a=b'],
      ]),
      protocolOptions: [],
    },
  ],
  [
    'StartupMessage of protocol 3.2 with protocol options',
    encodeStartupMessage({
      minor: 2,
      parameters: [
        ['_pq_.x', '1'],
        ['user', ''],
        ['_pq_.y', ''],
      ],
    }),
    { kind: 'startup', minor: 2, parameters: new Map([['user', '']]), protocolOptions: ['_pq_.x', '_pq_.y'] },
  ],
  [
    'StartupMessage without parameters',
    encodeStartupMessage({ parameters: [] }),
    { kind: 'startup', minor: 0, parameters: new Map(), protocolOptions: [] },
  ],
  [
    'CancelRequest',
    encodeCancelRequest(-7, fromHex('01020304')),
    { kind: 'cancel', processId: -7, secretKey: fromHex('01020304') },
  ],
  [
    'CancelRequest of protocol 3.2',
    encodeCancelRequest(1, new Uint8Array(256)),
    { kind: 'cancel', processId: 1, secretKey: new Uint8Array(256) },
  ],
  ['SSLRequest', encodeSslRequest(), { kind: 'ssl-request' }],
  ['GSSENCRequest', encodeGssencRequest(), { kind: 'gssenc-request' }],
];

describe.each(packets)('%s', (_name, bytes, packet) => {
  const tail = encodeText('next');

  test('in one chunk, with nothing behind it', () => {
    const decoder = createStartupDecoder();
    expect(decoder.push(bytes)).toEqual(packet);
    expect(decoder.rest()).toEqual(none);
  });

  test('cut at every byte, with bytes behind it', () => {
    const joined = concatBytes([bytes, tail]);
    for (let cut = 0; cut < bytes.length; cut++) {
      const decoder = createStartupDecoder();
      expect(decoder.push(joined.slice(0, cut))).toBeUndefined();
      expect(decoder.push(joined.slice(cut))).toEqual(packet);
      expect(decoder.rest()).toEqual(tail);
    }
  });

  test('byte by byte, from one reused buffer', () => {
    const decoder = createStartupDecoder();
    const buffer = new Uint8Array(1);
    const results = Array.from(bytes, (byte) => {
      buffer[0] = byte;
      return decoder.push(buffer);
    });
    expect(results.pop()).toEqual(packet);
    expect(results.every((result) => result === undefined)).toBe(true);
  });

  test('what it gives does not depend on the chunk afterwards', () => {
    const decoder = createStartupDecoder();
    const chunk = concatBytes([bytes, tail]);
    const decoded = decoder.push(chunk);
    chunk.fill(0xee);
    expect(decoded).toEqual(packet);
    expect(decoder.rest()).toEqual(tail);
  });
});

test('a TLS handshake is recognised by its first byte and left whole', () => {
  const decoder = createStartupDecoder();
  expect(decoder.push(none)).toBeUndefined();
  expect(decoder.push(fromHex('160301'))).toEqual({ kind: 'direct-tls' });
  expect(decoder.rest()).toEqual(fromHex('160301'));
});

test('0x16 further on is an ordinary byte', () => {
  const decoder = createStartupDecoder();
  expect(decoder.push(fromHex('0000'))).toBeUndefined();
  expect(decoder.push(fromHex('0016 00030000'))).toBeUndefined();
});

test('of a parameter sent twice the last one counts', () => {
  const packet = createStartupDecoder().push(startupOf('user\0a\0user\0b\0\0'));
  expect(packet).toMatchObject({ parameters: new Map([['user', 'b']]) });
});

test('names that mean something to JavaScript are ordinary', () => {
  const packet = createStartupDecoder().push(startupOf('__proto__\0x\0constructor\0y\0\0'));
  expect(packet).toMatchObject({
    parameters: new Map([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]),
  });
});

test.each([
  ['00020000', '2.0'],
  ['00040001', '4.1'],
  ['04d21631', '1234.5681'],
])('version %s', (version, name) => {
  expect(protocolErrorFrom(() => createStartupDecoder().push(startupOf('\0', version)))).toMatchObject({
    code: '0A000',
    message: `unsupported frontend protocol ${name}: server supports 3.0 to 3.2`,
  });
});

test('a newer minor version is reported, not refused', () => {
  expect(createStartupDecoder().push(startupOf('\0', '0003270f'))).toMatchObject({ kind: 'startup', minor: 9999 });
});

// Each of these gets this very answer from PostgreSQL 15.
test.each([
  ['no parameters and no terminator', ''],
  ['no terminator', 'user\0a\0'],
  ['a name without value', 'user\0'],
  ['a value without end', 'user\0a'],
  ['bytes behind the terminator', 'user\0a\0\0x'],
  ['a second terminator', 'user\0a\0\0\0'],
])('layout: %s', (_what, parameters) => {
  expect(protocolErrorFrom(() => createStartupDecoder().push(startupOf(parameters)))).toMatchObject({
    side: 'remote',
    code: '08P01',
    message: 'invalid startup packet layout: expected terminator as last byte',
  });
});

describe('lengths', () => {
  test.each(['00000000', '00000003', '00000004', '00000007', '00002715', '7fffffff', '80000000', 'ffffffff'])(
    '%s is refused as soon as it is known',
    (length) => {
      const error = protocolErrorFrom(() => createStartupDecoder().push(fromHex(length)));
      expect(error).toMatchObject({ side: 'remote', code: '08P01', message: 'invalid length of startup packet' });
    },
  );

  test('10 000 bytes behind the length word are allowed, and the limit can be lowered', () => {
    const message = startupOf(`a\0${'x'.repeat(10_000 - 4 - 4)}\0\0`);
    expect(message).toHaveLength(10_004);
    expect(createStartupDecoder().push(message)).toMatchObject({ kind: 'startup' });
    protocolErrorFrom(() => createStartupDecoder({ maxBytes: 9_999 }).push(message));
  });

  test('a plain HTTP request is told off', () => {
    protocolErrorFrom(() => createStartupDecoder().push(encodeText('GET / HTTP/1.1\r\n\r\n')));
  });

  test.each([0, 3, 257])('a cancel key of %i bytes', (length) => {
    const body = concatBytes([fromHex('04d2162e 00000001'), new Uint8Array(length)]);
    const header = fromHex((body.length + 4).toString(16).padStart(8, '0'));
    expect(protocolErrorFrom(() => createStartupDecoder().push(concatBytes([header, body]))).message).toBe(
      'invalid length of cancel request packet',
    );
  });

  test('an SSLRequest with content', () => {
    protocolErrorFrom(() => createStartupDecoder().push(fromHex('00000009 04d2162f 00')));
  });
});

test('garbage gives a packet, nothing yet, or a ProtocolError', () => {
  const random = createSeededRandom(6);
  for (let round = 0; round < 5000; round++) {
    const packet = startupOf('').slice(0, random.below(9));
    const bytes = concatBytes([packet, random.bytes(random.below(30)).map((byte) => (byte < 128 ? 0 : byte))]);
    if (bytes.length > 3 && random.below(4) > 0) bytes.set([0, 0, 0, 8 + random.below(20)]);
    const decoder = createStartupDecoder();
    try {
      const decoded = decoder.push(bytes);
      if (decoded !== undefined) expect(decoder.rest().length).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
    }
  }
});

test('it stays failed, and does not begin again after the packet', () => {
  const failed = createStartupDecoder();
  const error = protocolErrorFrom(() => failed.push(fromHex('00000000')));
  expect(protocolErrorFrom(() => failed.push(encodeSslRequest()))).toBe(error);
  expect(protocolErrorFrom(() => failed.rest()).side).toBe('local');

  const done = createStartupDecoder();
  done.push(encodeSslRequest());
  expect(protocolErrorFrom(() => done.push(encodeSslRequest())).side).toBe('local');
});
