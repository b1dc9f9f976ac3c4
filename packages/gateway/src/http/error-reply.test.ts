import { errorCatalogue, GatewayError } from '@postern/contract';
import { PoolError, type PoolErrorCode } from '@postern/pool';
import { expect, test } from 'vitest';
import { knownError } from './error-reply.ts';

// A Record, so that a code the engine gains and this list lacks does not compile.
const codesOfThePool: Record<PoolErrorCode, true> = {
  pool_timeout: true,
  connect_failed: true,
  connect_timeout: true,
  too_many_connections: true,
  server_connection_lost: true,
  pin_limit: true,
  query_cancelled: true,
  session_state_lost: true,
  idle_timeout: true,
  shutting_down: true,
};

test.each(Object.keys(codesOfThePool) as PoolErrorCode[])('the engine’s %s is in the catalogue', (code) => {
  const { sqlstate } = errorCatalogue[code];
  const error = new PoolError({ code, sqlstate, message: 'm', detail: 'd', hint: 'h', safeToRetry: false });
  const known = knownError(error);
  expect(known).toBeInstanceOf(GatewayError);
  expect(known).toMatchObject({ code, sqlstate, message: 'm', detail: 'd', hint: 'h' });
});
