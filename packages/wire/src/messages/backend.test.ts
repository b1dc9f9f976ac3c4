import { describe, expect, test } from 'vitest';
import { headerBytes } from '../bytes/body-writer.ts';
import { encodeText } from '../bytes/text.ts';
import { BackendCode } from '../message-codes.ts';
import { fromHex } from '../testing/from-hex.ts';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import {
  decodeAuthentication,
  encodeAuthenticationCleartextPassword,
  encodeAuthenticationMd5Password,
  encodeAuthenticationOk,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
  encodeAuthenticationSaslFinal,
} from './authentication.ts';
import { decodeBackendKeyData, encodeBackendKeyData } from './backend-key-data.ts';
import {
  encodeBindComplete,
  encodeCloseComplete,
  encodeEmptyQueryResponse,
  encodeNoData,
  encodeParseComplete,
  encodePortalSuspended,
} from './bodyless.ts';
import { decodeCopyResponse, encodeCopyInResponse, encodeCopyOutResponse } from './copy.ts';
import { decodeDataRow, encodeDataRow } from './data-row.ts';
import { decodeNegotiateProtocolVersion, encodeNegotiateProtocolVersion } from './negotiate-protocol-version.ts';
import { decodeNotification, encodeNotificationResponse } from './notification-response.ts';
import { decodeParameterDescription, encodeParameterDescription } from './parameter-description.ts';
import { decodeParameterStatus, encodeParameterStatus } from './parameter-status.ts';
import { decodeReadyForQuery, encodeReadyForQuery } from './ready-for-query.ts';
import { decodeRowDescription, encodeRowDescription } from './row-description.ts';
import { decodeCommandComplete, encodeCommandComplete } from './single-text.ts';

const four = Uint8Array.of(1, 2, 3, 4);
const computed = { tableID: 0, columnID: 0, dataTypeModifier: -1 };

interface Case<Value = unknown> {
  readonly name: string;
  readonly code: number;
  /** A message body that PostgreSQL 15.18 sent, unless `name` says that it is ours. */
  readonly hex: string;
  readonly decode: (body: Uint8Array) => Value;
  readonly value: NoInfer<Value>;
  readonly encode: (value: Value) => Uint8Array;
  /** The body ends in bytes of any length, so that not every cut is malformed: the shortest body that is complete. */
  readonly openFrom?: number;
}

function caseOf<Value>(entry: Case<Value>): Case {
  // The table mixes messages; each entry was checked against its own type right here.
  return entry as unknown as Case;
}

const cases: readonly Case[] = [
  caseOf({
    name: 'AuthenticationOk',
    code: BackendCode.Authentication,
    hex: '00000000',
    decode: decodeAuthentication,
    value: { kind: 'ok' },
    encode: encodeAuthenticationOk,
  }),
  caseOf({
    name: 'AuthenticationCleartextPassword',
    code: BackendCode.Authentication,
    hex: '00000003',
    decode: decodeAuthentication,
    value: { kind: 'cleartext' },
    encode: encodeAuthenticationCleartextPassword,
  }),
  caseOf({
    name: 'AuthenticationMD5Password (ours)',
    code: BackendCode.Authentication,
    hex: '00000005 01020304',
    decode: decodeAuthentication,
    value: { kind: 'md5', salt: four },
    encode: () => encodeAuthenticationMd5Password(four),
  }),
  caseOf({
    name: 'AuthenticationSASL (ours)',
    code: BackendCode.Authentication,
    hex: '0000000a 534352414d2d5348412d3235362d504c555300 534352414d2d5348412d32353600 00',
    decode: decodeAuthentication,
    value: { kind: 'sasl', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] },
    encode: () => encodeAuthenticationSasl(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']),
  }),
  caseOf({
    name: 'AuthenticationSASLContinue (ours)',
    code: BackendCode.Authentication,
    hex: '0000000b 01020304',
    decode: decodeAuthentication,
    value: { kind: 'sasl-continue', data: four },
    encode: () => encodeAuthenticationSaslContinue(four),
    openFrom: 4,
  }),
  caseOf({
    name: 'AuthenticationSASLFinal (ours)',
    code: BackendCode.Authentication,
    hex: '0000000c 01020304',
    decode: decodeAuthentication,
    value: { kind: 'sasl-final', data: four },
    encode: () => encodeAuthenticationSaslFinal(four),
    openFrom: 4,
  }),
  caseOf({
    name: 'BackendKeyData',
    code: BackendCode.BackendKeyData,
    hex: '00003355 553eb2a3',
    decode: decodeBackendKeyData,
    value: { processId: 0x3355, secretKey: fromHex('553eb2a3') },
    encode: ({ processId, secretKey }) => encodeBackendKeyData(processId, secretKey),
    openFrom: 8,
  }),
  caseOf({
    name: 'BackendKeyData of a virtual backend (ours)',
    code: BackendCode.BackendKeyData,
    hex: 'fffffffb 01020304',
    decode: decodeBackendKeyData,
    value: { processId: -5, secretKey: four },
    encode: ({ processId, secretKey }) => encodeBackendKeyData(processId, secretKey),
    openFrom: 8,
  }),
  caseOf({
    name: 'ParameterStatus',
    code: BackendCode.ParameterStatus,
    hex: '6170706c69636174696f6e5f6e616d6500747261636500',
    decode: decodeParameterStatus,
    value: { name: 'application_name', value: 'trace' },
    encode: ({ name, value }) => encodeParameterStatus(name, value),
  }),
  caseOf({
    name: 'ReadyForQuery',
    code: BackendCode.ReadyForQuery,
    hex: '45',
    decode: decodeReadyForQuery,
    value: 'E',
    encode: encodeReadyForQuery,
  }),
  caseOf({
    name: 'NegotiateProtocolVersion',
    code: BackendCode.NegotiateProtocolVersion,
    hex: '00030000 00000002 5f70715f2e666f6f00 5f70715f2e62617200',
    decode: decodeNegotiateProtocolVersion,
    value: { minor: 0, unknownOptions: ['_pq_.foo', '_pq_.bar'] },
    encode: ({ minor, unknownOptions }) => encodeNegotiateProtocolVersion(minor, unknownOptions),
  }),
  caseOf({
    name: 'RowDescription of a table',
    code: BackendCode.RowDescription,
    hex: `0003 696400 0000400c 0001 00000017 0004 ffffffff 0000
      6100 0000400c 0002 00000019 ffff ffffffff 0000 6374696400 0000400c ffff 0000001b 0006 ffffffff 0000`,
    decode: decodeRowDescription,
    value: [
      { ...computed, name: 'id', tableID: 16396, columnID: 1, dataTypeID: 23, dataTypeSize: 4, format: 'text' },
      { ...computed, name: 'a', tableID: 16396, columnID: 2, dataTypeID: 25, dataTypeSize: -1, format: 'text' },
      { ...computed, name: 'ctid', tableID: 16396, columnID: -1, dataTypeID: 27, dataTypeSize: 6, format: 'text' },
    ],
    encode: encodeRowDescription,
  }),
  caseOf({
    name: 'RowDescription of expressions, one binary',
    code: BackendCode.RowDescription,
    hex: `0002 6e00 00000000 0000 00000017 0004 ffffffff 0001 7400 00000000 0000 00000019 ffff ffffffff 0000`,
    decode: decodeRowDescription,
    value: [
      { ...computed, name: 'n', dataTypeID: 23, dataTypeSize: 4, format: 'binary' },
      { ...computed, name: 't', dataTypeID: 25, dataTypeSize: -1, format: 'text' },
    ],
    encode: encodeRowDescription,
  }),
  caseOf({
    name: 'DataRow',
    code: BackendCode.DataRow,
    hex: '0003 00000004 00000007 00000004 78e282ac ffffffff',
    decode: decodeDataRow,
    value: [Uint8Array.of(0, 0, 0, 7), encodeText('x€'), null],
    encode: encodeDataRow,
  }),
  caseOf({
    name: 'DataRow without columns (ours)',
    code: BackendCode.DataRow,
    hex: '0000',
    decode: decodeDataRow,
    value: [],
    encode: encodeDataRow,
  }),
  caseOf({
    name: 'CommandComplete',
    code: BackendCode.CommandComplete,
    hex: '494e534552542030203200',
    decode: decodeCommandComplete,
    value: 'INSERT 0 2',
    encode: encodeCommandComplete,
  }),
  caseOf({
    name: 'ParameterDescription',
    code: BackendCode.ParameterDescription,
    hex: '0003 00000017 00000019 00000011',
    decode: decodeParameterDescription,
    value: [23, 25, 17],
    encode: encodeParameterDescription,
  }),
  caseOf({
    name: 'NotificationResponse',
    code: BackendCode.NotificationResponse,
    hex: '00003355 6368616e00 7061796c6f616420c3bc00',
    decode: decodeNotification,
    value: { processId: 0x3355, channel: 'chan', payload: 'payload ü' },
    encode: ({ processId, channel, payload }) => encodeNotificationResponse(processId, channel, payload),
  }),
  caseOf({
    name: 'CopyInResponse',
    code: BackendCode.CopyInResponse,
    hex: '00 0002 0000 0000',
    decode: decodeCopyResponse,
    value: { format: 'text', columnFormats: [0, 0] },
    encode: encodeCopyInResponse,
  }),
  caseOf({
    name: 'CopyOutResponse',
    code: BackendCode.CopyOutResponse,
    hex: '01 0002 0001 0001',
    decode: decodeCopyResponse,
    value: { format: 'binary', columnFormats: [1, 1] },
    encode: encodeCopyOutResponse,
  }),
];

describe.each(cases)('$name', ({ code, hex, decode, value, encode, openFrom = Number.POSITIVE_INFINITY }) => {
  const body = fromHex(hex);

  test('decodes', () => {
    expect(decode(body)).toEqual(value);
  });

  test('encodes to the same bytes', () => {
    const message = encode(value);
    expect(message[0]).toBe(code);
    expect(new DataView(message.buffer).getUint32(1)).toBe(body.length + 4);
    expect(message.subarray(headerBytes)).toEqual(body);
  });

  test('is malformed when cut anywhere', () => {
    for (let end = 0; end < Math.min(body.length, openFrom); end++) {
      const error = protocolErrorFrom(() => decode(body.subarray(0, end)));
      expect([error.side, error.code]).toEqual(['remote', '08P01']);
    }
  });
});

test.each(cases.filter(({ openFrom }) => openFrom === undefined))(
  '$name is malformed with a byte too many',
  ({ hex, decode }) => {
    for (const extra of [0, 1, 0xff]) protocolErrorFrom(() => decode(Uint8Array.of(...fromHex(hex), extra)));
  },
);

test.each([
  ['ParseComplete', encodeParseComplete(), '1'],
  ['BindComplete', encodeBindComplete(), '2'],
  ['CloseComplete', encodeCloseComplete(), '3'],
  ['EmptyQueryResponse', encodeEmptyQueryResponse(), 'I'],
  ['NoData', encodeNoData(), 'n'],
  ['PortalSuspended', encodePortalSuspended(), 's'],
])('%s is a header and nothing else', (_name, message, letter) => {
  expect(message).toEqual(Uint8Array.of(letter.charCodeAt(0), 0, 0, 0, 4));
});

test('random bytes give a value or a ProtocolError, never anything else', () => {
  const random = createSeededRandom(2);
  const decoders = [...new Set(cases.map(({ decode }) => decode))];
  for (let round = 0; round < 3000; round++) {
    const body = random.bytes(random.below(40)).map((byte) => (random.below(2) === 0 ? byte : byte % 4));
    for (const decode of decoders) {
      try {
        decode(body);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
      }
    }
  }
});

test('damaged messages give a value or a ProtocolError, never anything else', () => {
  const random = createSeededRandom(3);
  for (const { hex, decode } of cases) {
    for (let round = 0; round < 300; round++) {
      const body = fromHex(hex);
      body[random.below(body.length)] = random.below(256);
      try {
        decode(body);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
      }
    }
  }
});

describe('Authentication', () => {
  test('methods nobody implements here keep their number', () => {
    expect(decodeAuthentication(fromHex('00000007'))).toEqual({ kind: 'unsupported', method: 7 });
    expect(decodeAuthentication(fromHex('00000008 0102'))).toEqual({ kind: 'unsupported', method: 8 });
  });

  test('an MD5 salt has four bytes', () => {
    protocolErrorFrom(() => decodeAuthentication(fromHex('00000005 010203')));
    protocolErrorFrom(() => decodeAuthentication(fromHex('00000005 0102030405')));
    expect(protocolErrorFrom(() => encodeAuthenticationMd5Password(new Uint8Array(5))).side).toBe('local');
  });
});

test('BackendKeyData takes keys of 4 to 256 bytes', () => {
  for (const length of [4, 32, 256]) {
    const body = encodeBackendKeyData(1, new Uint8Array(length)).subarray(headerBytes);
    expect(decodeBackendKeyData(body).secretKey).toHaveLength(length);
  }
  for (const length of [0, 3, 257]) {
    protocolErrorFrom(() => decodeBackendKeyData(new Uint8Array(4 + length)));
    expect(protocolErrorFrom(() => encodeBackendKeyData(1, new Uint8Array(length))).side).toBe('local');
  }
});

test('NegotiateProtocolVersion of a server that sends the minor version alone', () => {
  expect(decodeNegotiateProtocolVersion(fromHex('00000002 00000000'))).toEqual({ minor: 2, unknownOptions: [] });
  protocolErrorFrom(() => decodeNegotiateProtocolVersion(fromHex('00040000 00000000')));
  protocolErrorFrom(() => decodeNegotiateProtocolVersion(fromHex('00030000 ffffffff 6100')));
});

test('RowDescription fills in what a computed column has', () => {
  const body = encodeRowDescription([{ name: 'x', dataTypeID: 25 }]).subarray(headerBytes);
  expect(decodeRowDescription(body)).toEqual([
    { ...computed, name: 'x', dataTypeID: 25, dataTypeSize: -1, format: 'text' },
  ]);
});

test('codes outside the protocol are malformed', () => {
  protocolErrorFrom(() => decodeReadyForQuery(encodeText('X')));
  protocolErrorFrom(() => decodeCopyResponse(fromHex('02 0000')));
  protocolErrorFrom(() => decodeRowDescription(fromHex('0001 00 00000000 0000 00000017 0004 ffffffff 0002')));
});
