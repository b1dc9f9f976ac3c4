import { describe, expect, test } from 'vitest';
import { headerBytes } from '../bytes/body-writer.ts';
import { encodeText } from '../bytes/text.ts';
import { BackendCode } from '../message-codes.ts';
import { fromHex } from '../testing/from-hex.ts';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { decodeErrorFields, encodeErrorResponse, encodeNoticeResponse } from './error-response.ts';

/** Message bodies that PostgreSQL 15.18 sent. */
const cases = [
  {
    name: 'ErrorResponse of a constraint',
    code: BackendCode.ErrorResponse,
    hex: `534552524f5200564552524f5200433233353035004d6475706c6963617465206b65792076616c75652076696f6c6174657320756e69
      71756520636f6e73747261696e742022745f706b65792200444b657920286964293d28312920616c7265616479206578697374732e00737067
      5f74656d705f33007474006e745f706b657900466e6274696e736572742e63004c36363400525f62745f636865636b5f756e697175650000`,
    value: {
      severity: 'ERROR',
      severityNonLocalized: 'ERROR',
      code: '23505',
      message: 'duplicate key value violates unique constraint "t_pkey"',
      detail: 'Key (id)=(1) already exists.',
      schema: 'pg_temp_3',
      table: 't',
      constraint: 't_pkey',
      file: 'nbtinsert.c',
      line: '664',
      routine: '_bt_check_unique',
    },
    encode: encodeErrorResponse,
  },
  {
    name: 'ErrorResponse inside a function',
    code: BackendCode.ErrorResponse,
    hex: `534552524f5200564552524f5200433432503031004d72656c6174696f6e20226e6f70652220646f6573206e6f742065786973740057
      504c2f706753514c2066756e6374696f6e20696e6c696e655f636f64655f626c6f636b206c696e652031206174204558454355544500
      703135007173656c65637420312066726f6d206e6f7065004670617273655f72656c6174696f6e2e63004c3133393200527061727365
      724f70656e5461626c650000`,
    value: {
      severity: 'ERROR',
      severityNonLocalized: 'ERROR',
      code: '42P01',
      message: 'relation "nope" does not exist',
      where: 'PL/pgSQL function inline_code_block line 1 at EXECUTE',
      internalPosition: '15',
      internalQuery: 'select 1 from nope',
      file: 'parse_relation.c',
      line: '1392',
      routine: 'parserOpenTable',
    },
    encode: encodeErrorResponse,
  },
  {
    name: 'NoticeResponse',
    code: BackendCode.NoticeResponse,
    hex: `534e4f5449434500564e4f5449434500433030303030004d6869004464004874686572650057504c2f706753514c2066756e6374696f
      6e20696e6c696e655f636f64655f626c6f636b206c696e6520312061742052414953450046706c5f657865632e63004c333839310052657865
      635f73746d745f72616973650000`,
    value: {
      severity: 'NOTICE',
      severityNonLocalized: 'NOTICE',
      code: '00000',
      message: 'hi',
      detail: 'd',
      hint: 'there',
      where: 'PL/pgSQL function inline_code_block line 1 at RAISE',
      file: 'pl_exec.c',
      line: '3891',
      routine: 'exec_stmt_raise',
    },
    encode: encodeNoticeResponse,
  },
];

describe.each(cases)('$name', ({ code, hex, value, encode }) => {
  const body = fromHex(hex);

  test('decodes', () => {
    expect(decodeErrorFields(body)).toEqual(value);
  });

  test('encodes to the same bytes', () => {
    const message = encode(value);
    expect(message[0]).toBe(code);
    expect(message.subarray(headerBytes)).toEqual(body);
  });

  test('is malformed when cut anywhere, or with a byte too many', () => {
    for (let end = 0; end < body.length; end++) {
      const error = protocolErrorFrom(() => decodeErrorFields(body.subarray(0, end)));
      expect([error.side, error.code]).toEqual(['remote', '08P01']);
    }
    for (const extra of [0, 1, 0xff]) protocolErrorFrom(() => decodeErrorFields(Uint8Array.of(...body, extra)));
  });

  test('damaged or random bytes give fields or a ProtocolError, never anything else', () => {
    const random = createSeededRandom(12);
    for (let round = 0; round < 1000; round++) {
      const damaged = round % 2 === 0 ? body.slice() : random.bytes(random.below(40));
      if (damaged.length > 0) damaged[random.below(damaged.length)] = random.below(256);
      try {
        decodeErrorFields(damaged);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
      }
    }
  });
});

describe('error fields', () => {
  test('unknown ones are dropped', () => {
    expect(decodeErrorFields(encodeText('SERROR\0zfuture\0C42601\0Mx\0\0'))).toEqual({
      severity: 'ERROR',
      code: '42601',
      message: 'x',
    });
  });

  test('missing ones do not hide the error', () => {
    expect(decodeErrorFields(encodeText('Mdown\0\0'))).toEqual({ severity: 'ERROR', code: 'XX000', message: 'down' });
  });

  test('the severity is always sent twice', () => {
    const message = encodeErrorResponse({ severity: 'FATAL', code: '57P01', message: 'bye' });
    expect(decodeErrorFields(message.subarray(headerBytes)).severityNonLocalized).toBe('FATAL');
  });

  test('a zero byte in a text does not stop an error from being reported', () => {
    const message = encodeErrorResponse({ severity: 'ERROR', code: '42601', message: 'near "\0"', detail: undefined });
    expect(decodeErrorFields(message.subarray(headerBytes))).toMatchObject({ message: 'near "\ufffd"' });
  });

  test('a code that is no SQLSTATE is refused', () => {
    const run = (): unknown => encodeErrorResponse({ severity: 'ERROR', code: 'pool_timeout', message: '' });
    expect(protocolErrorFrom(run).side).toBe('local');
  });
});
