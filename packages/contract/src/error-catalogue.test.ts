import { describe, expect, test } from 'vitest';
import { errorCatalogue, isGatewayErrorCode } from './error-catalogue.ts';
import { GatewayError, passwordAuthenticationFailed, toGatewayError } from './gateway-error.ts';

describe('errorCatalogue', () => {
  test.each(Object.entries(errorCatalogue))('%s is complete', (_, entry) => {
    expect(entry.sqlstate).toMatch(/^[0-9A-Z]{5}$/);
    expect(entry.prismaCode).toMatch(/^P[0-9]{4}$/);
    expect(entry.closeCode).toBeGreaterThanOrEqual(1000);
    expect(entry.meaning).toMatch(/\.$/);
    expect(entry.cure).not.toBe('');
  });

  test('what a program may want to branch on has status 400: the official driver reads no other body', () => {
    const elsewhere = Object.entries(errorCatalogue).filter(([, entry]) => entry.httpStatus !== 400);
    expect(elsewhere.map(([code]) => code)).toEqual([
      'request_too_large',
      'response_too_large',
      'unknown_path',
      'method_not_allowed',
      'internal_error',
    ]);
  });

  test('codes are recognised, inherited names are not', () => {
    expect(isGatewayErrorCode('pool_timeout')).toBe(true);
    expect(isGatewayErrorCode('toString')).toBe(false);
    expect(isGatewayErrorCode(1)).toBe(false);
  });
});

describe('GatewayError', () => {
  test('takes its mapping from the catalogue', () => {
    const error = new GatewayError('pool_timeout', 'waited too long', { detail: 'pool a' });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      kind: 'gateway',
      name: 'GatewayError',
      code: 'pool_timeout',
      sqlstate: '53300',
      httpStatus: 400,
      closeCode: 1013,
      prismaCode: 'P2024',
      safeToRetry: true,
      message: 'waited too long',
      detail: 'pool a',
      hint: errorCatalogue.pool_timeout.cure,
    });
  });

  test('an unknown endpoint looks like a wrong password in everything a caller may see', () => {
    const visible = ({
      message,
      hint,
      sqlstate,
      severity,
      httpStatus,
      closeCode,
      prismaCode,
      safeToRetry,
    }: GatewayError) => ({
      message,
      hint,
      sqlstate,
      severity,
      httpStatus,
      closeCode,
      prismaCode,
      safeToRetry,
    });
    const wrongPassword = passwordAuthenticationFailed('u');
    const unknownEndpoint = passwordAuthenticationFailed('u', { code: 'endpoint_unknown', detail: 'no endpoint "x"' });
    expect(wrongPassword.message).toBe('password authentication failed for user "u"');
    expect(visible(unknownEndpoint)).toEqual(visible(wrongPassword));
  });
});

describe('toGatewayError', () => {
  test('keeps a GatewayError', () => {
    const error = new GatewayError('invalid_body', 'x');
    expect(toGatewayError(error)).toBe(error);
  });

  test("keeps the engine's errors", () => {
    const error = Object.assign(new Error('timed out'), { kind: 'pool', code: 'pool_timeout', hint: '', detail: 'd' });
    expect(toGatewayError(error)).toMatchObject({
      code: 'pool_timeout',
      message: 'timed out',
      detail: 'd',
      hint: errorCatalogue.pool_timeout.cure,
      cause: error,
    });
  });

  test.each([new Error('secret'), { kind: 'pool', code: 'unheard of', message: 'secret' }, 'secret', null])(
    'gives nothing away about %j',
    (thrown) => {
      const error = toGatewayError(thrown);
      expect(error).toMatchObject({ code: 'internal_error', message: 'internal error of the gateway' });
      expect(error.cause).toBe(thrown);
    },
  );
});
