import { describe, expect, test } from 'vitest';
import { headerBytes } from '../bytes/body-writer.ts';
import { encodeText } from '../bytes/text.ts';
import { FrontendCode } from '../message-codes.ts';
import { fromHex } from '../testing/from-hex.ts';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { decodeBind, encodeBind } from './bind.ts';
import { encodeCopyDone, encodeFlush, encodeSync, encodeTerminate } from './bodyless.ts';
import { encodeCopyData } from './copy.ts';
import { decodeClose, decodeDescribe, encodeClose, encodeDescribe } from './describe-close.ts';
import { decodeExecute, encodeExecute } from './execute.ts';
import { decodeFunctionCall, encodeFunctionCall } from './function-call.ts';
import { decodeParse, encodeParse } from './parse.ts';
import { decodeSaslInitialResponse, encodeSaslInitialResponse, encodeSaslResponse } from './sasl-response.ts';
import { decodePassword, decodeQuery, encodeCopyFail, encodePassword, encodeQuery } from './single-text.ts';

const seven = Uint8Array.of(0, 0, 0, 7);
const umlaut = encodeText('ä€😀');

/** [name, what we encode, the bytes by the manual's layout, decoder, what it gives] */
const cases: readonly [string, Uint8Array, string, (body: Uint8Array) => unknown, unknown][] = [
  ['Query', encodeQuery('SELECT 1'), '51 0000000d 53454c4543542031 00', decodeQuery, 'SELECT 1'],
  ['Query, empty', encodeQuery(''), '51 00000005 00', decodeQuery, ''],
  ['PasswordMessage', encodePassword('pä'), '70 00000008 70c3a4 00', decodePassword, 'pä'],
  [
    'Parse',
    encodeParse('s', 'x', [23, 4294967295]),
    '50 00000012 7300 7800 0002 00000017 ffffffff',
    decodeParse,
    { name: 's', text: 'x', parameterTypes: [23, 4294967295] },
  ],
  [
    'Parse, unnamed',
    encodeParse('', ''),
    '50 00000008 00 00 0000',
    decodeParse,
    { name: '', text: '', parameterTypes: [] },
  ],
  [
    'Bind, nothing',
    encodeBind(),
    '42 0000000c 00 00 0000 0000 0000',
    decodeBind,
    { portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
  ],
  [
    'Bind, everything',
    encodeBind({
      portal: 'p',
      statement: 's1',
      parameterFormats: [1, 0, 0],
      parameters: [seven, 'ä€😀', null],
      resultFormats: [1],
    }),
    `42 00000030 7000 733100 0003 0001 0000 0000 0003 00000004 00000007 00000009 c3a4e282acf09f9880 ffffffff 0001 0001`,
    decodeBind,
    {
      portal: 'p',
      statement: 's1',
      parameterFormats: [1, 0, 0],
      parameters: [seven, umlaut, null],
      resultFormats: [1],
    },
  ],
  ['Describe', encodeDescribe('S', 'ab'), '44 00000008 53 616200', decodeDescribe, { kind: 'S', name: 'ab' }],
  ['Close', encodeClose('P', ''), '43 00000006 50 00', decodeClose, { kind: 'P', name: '' }],
  ['Execute', encodeExecute('p', 500), '45 0000000a 7000 000001f4', decodeExecute, { portal: 'p', maxRows: 500 }],
  ['Execute, all rows', encodeExecute(), '45 00000009 00 00000000', decodeExecute, { portal: '', maxRows: 0 }],
  [
    'FunctionCall',
    encodeFunctionCall({ functionOid: 870, parameterFormats: [0], parameters: ['A', null], resultFormat: 1 }),
    '46 00000019 00000366 0001 0000 0002 00000001 41 ffffffff 0001',
    decodeFunctionCall,
    { functionOid: 870, parameterFormats: [0], parameters: [encodeText('A'), null], resultFormat: 1 },
  ],
  [
    'SASLInitialResponse',
    encodeSaslInitialResponse('SCRAM-SHA-256', encodeText('n,,')),
    '70 00000019 534352414d2d5348412d32353600 00000003 6e2c2c',
    decodeSaslInitialResponse,
    { mechanism: 'SCRAM-SHA-256', data: encodeText('n,,') },
  ],
  [
    'SASLInitialResponse, no data',
    encodeSaslInitialResponse('X', null),
    '70 0000000a 5800 ffffffff',
    decodeSaslInitialResponse,
    { mechanism: 'X', data: null },
  ],
];

describe.each(cases)('%s', (_name, message, hex, decode, decoded) => {
  const body = message.subarray(headerBytes);

  test('has the bytes of the manual', () => {
    expect(message).toEqual(fromHex(hex));
  });

  test('decodes to what went in', () => {
    expect(decode(body)).toEqual(decoded);
  });

  test('is malformed when cut anywhere', () => {
    for (let end = 0; end < body.length; end++) {
      const error = protocolErrorFrom(() => decode(body.subarray(0, end)));
      expect([error.side, error.code, error.kind]).toEqual(['remote', '08P01', 'protocol']);
    }
  });

  test('is malformed with a byte too many', () => {
    for (const extra of [0, 1, 0xff]) protocolErrorFrom(() => decode(Uint8Array.of(...body, extra)));
  });
});

test.each([
  ['Sync', encodeSync(), '53 00000004'],
  ['Flush', encodeFlush(), '48 00000004'],
  ['Terminate', encodeTerminate(), '58 00000004'],
  ['CopyDone', encodeCopyDone(), '63 00000004'],
  ['CopyData', encodeCopyData(Uint8Array.of(1, 0, 2)), '64 00000007 010002'],
  ['CopyFail', encodeCopyFail('no'), '66 00000007 6e6f00'],
  ['SASLResponse', encodeSaslResponse(Uint8Array.of(1, 2)), '70 00000006 0102'],
])('%s has the bytes of the manual', (_name, message, hex) => {
  expect(message).toEqual(fromHex(hex));
});

test('decoders take views into a larger buffer and give views into it', () => {
  const message = encodeBind({ parameters: [seven] });
  const buffer = new Uint8Array(100);
  buffer.set(message, 17);
  const decoded = decodeBind(buffer.subarray(17 + headerBytes, 17 + message.length));
  expect(decoded.parameters).toEqual([seven]);
  expect(decoded.parameters[0]!.buffer).toBe(buffer.buffer);
});

test('random bytes give a value or a ProtocolError, never anything else', () => {
  const random = createSeededRandom(1);
  const decoders = [...new Set(cases.map(([, , , decode]) => decode))];
  let accepted = 0;
  for (let round = 0; round < 3000; round++) {
    // Half of them small numbers, so that counts and lengths are sometimes plausible.
    const body = random.bytes(random.below(40)).map((byte) => (random.below(2) === 0 ? byte : byte % 4));
    for (const decode of decoders) {
      try {
        decode(body);
        accepted++;
      } catch (error) {
        expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
      }
    }
  }
  expect(accepted).toBeGreaterThan(0);
});

test('declared counts and lengths are checked before anything is made for them', () => {
  protocolErrorFrom(() => decodeParse(fromHex('00 00 ffff')));
  protocolErrorFrom(() => decodeBind(fromHex('00 00 0000 ffff')));
  protocolErrorFrom(() => decodeBind(fromHex('00 00 0000 0001 7fffffff 0000')));
  protocolErrorFrom(() => decodeBind(fromHex('00 00 0000 0001 80000000 0000')));
  const negative = protocolErrorFrom(() => decodeBind(fromHex('00 00 0000 0001 fffffffe 0000')));
  expect(negative.message).toContain('length -2');
});

test('Describe and Close know statements and portals only', () => {
  expect(protocolErrorFrom(() => decodeDescribe(encodeText('X\0'))).message).toContain('Describe');
  expect(protocolErrorFrom(() => decodeClose(encodeText('s\0'))).message).toContain('Close');
});

describe('what cannot be sent is refused before it is sent', () => {
  test.each([
    ['a query', () => encodeQuery('select 1\0; drop table x')],
    ['a statement name', () => encodeParse('a\0', '')],
    ['a portal name', () => encodeBind({ portal: '\0' })],
    ['a password', () => encodePassword('\0')],
    ['a SASL mechanism', () => encodeSaslInitialResponse('\0', null)],
  ])('a zero byte in %s', (_what, encode) => {
    expect(protocolErrorFrom(encode)).toMatchObject({ side: 'local', code: '22021' });
  });

  test('more parameters than the count can say', () => {
    const parameters = new Array<null>(65536).fill(null);
    expect(protocolErrorFrom(() => encodeBind({ parameters }))).toMatchObject({ side: 'local', code: '54000' });
    const most = encodeBind({ parameters: parameters.slice(1) });
    expect(decodeBind(most.subarray(headerBytes)).parameters).toHaveLength(65535);
  });
});

test('a zero byte inside a value is data', () => {
  const { parameters } = decodeBind(encodeBind({ parameters: ['a\0b'] }).subarray(headerBytes));
  expect(parameters).toEqual([Uint8Array.of(97, 0, 98)]);
});

test('the codes are the letters of the manual', () => {
  expect(Object.entries(FrontendCode).map(([name, code]) => `${name} ${String.fromCharCode(code)}`)).toEqual([
    ...['Bind B', 'Close C', 'CopyData d', 'CopyDone c', 'CopyFail f', 'Describe D', 'Execute E', 'Flush H'],
    ...['FunctionCall F', 'Parse P', 'PasswordMessage p', 'Query Q', 'Sync S', 'Terminate X'],
  ]);
});
