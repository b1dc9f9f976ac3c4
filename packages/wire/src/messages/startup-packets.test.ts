import { expect, test } from 'vitest';
import { fromHex } from '../testing/from-hex.ts';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { encodeCancelRequest, encodeGssencRequest, encodeSslRequest, encodeStartupMessage } from './startup-packets.ts';

test('StartupMessage as the Neon driver sends it', () => {
  const message = encodeStartupMessage({
    parameters: [
      ['user', 'u'],
      ['database', 'db'],
      ['client_encoding', 'UTF8'],
    ],
  });
  const text = 'user\0u\0database\0db\0client_encoding\0UTF8\0\0';
  expect(message).toEqual(Uint8Array.of(0, 0, 0, 0x31, 0, 3, 0, 0, ...new TextEncoder().encode(text)));
});

test('StartupMessage takes any iterable and a minor version', () => {
  const message = encodeStartupMessage({ minor: 2, parameters: new Map([['user', 'ä']]) });
  expect(message).toEqual(fromHex('00000011 00030002 7573657200 c3a400 00'));
});

test('StartupMessage refuses what would end its list early', () => {
  expect(protocolErrorFrom(() => encodeStartupMessage({ parameters: [['', 'x']] })).side).toBe('local');
  expect(protocolErrorFrom(() => encodeStartupMessage({ parameters: [['user', 'a\0\0']] })).side).toBe('local');
});

test('the requests without content', () => {
  expect(encodeSslRequest()).toEqual(fromHex('00000008 04d2162f'));
  expect(encodeGssencRequest()).toEqual(fromHex('00000008 04d21630'));
});

test('CancelRequest, with keys of either protocol', () => {
  expect(encodeCancelRequest(0x3355, fromHex('553eb2a3'))).toEqual(fromHex('00000010 04d2162e 00003355 553eb2a3'));
  expect(encodeCancelRequest(-1, new Uint8Array(256))).toHaveLength(268);
  for (const length of [0, 3, 257]) {
    expect(protocolErrorFrom(() => encodeCancelRequest(1, new Uint8Array(length))).side).toBe('local');
  }
});
