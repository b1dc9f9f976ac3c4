import { encodeQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import { answering, createTestEngine } from './engine.fixture.ts';

const told = 'FATAL 57P05 terminating connection: nothing was sent for 8 s (client_idle_timeout)';

test('a caller that sends nothing for too long is told so and disconnected; one that sends now and then is not', async () => {
  const { postgres, open, pass } = createTestEngine({ limits: { callerIdleTimeoutMs: 8_000 } });
  void answering(postgres);
  const idle = await open();
  const busy = await open();
  await pass(7_000);
  await busy.send(encodeQuery('SELECT 1'));
  expect(idle.isClosed).toBe(false);
  await pass(3_000);
  expect(idle.heard()).toEqual([told]);
  expect(idle.isClosed).toBe(true);
  expect(busy.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  await pass(8_000);
  expect(busy.heard()).toEqual([told]);
});

test('a statement may take longer, and 0 is never', async () => {
  const slow = createTestEngine({ limits: { callerIdleTimeoutMs: 1_000 } });
  void answering(slow.postgres, () => null);
  const running = await slow.open();
  await slow.pass(100);
  await running.send(encodeQuery('SELECT pg_sleep(10)'));
  await slow.pass(5_000);
  expect(running.isClosed).toBe(false);

  const never = createTestEngine({ limits: { callerIdleTimeoutMs: 0 } });
  void answering(never.postgres);
  const idle = await never.open();
  await never.pass(10_000);
  expect(idle.isClosed).toBe(false);
});
