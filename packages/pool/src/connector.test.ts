import { DatabaseError, encodeQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import { answering, createTestEngine } from './engine.fixture.ts';

test('a pool larger than what Postgres has room for lives with what it gets, and says so once', async () => {
  let dials = 0;
  const full = new DatabaseError({ severity: 'FATAL', code: '53300', message: 'sorry, too many clients already' });
  const { postgres, open, pass, events, engine } = createTestEngine({
    limits: { poolSize: 5, multiplexing: false },
    dial: (real) => (target) => (++dials === 1 ? real(target) : Promise.reject(full)),
  });
  const slow = 'SELECT pg_sleep(1)';
  void answering(postgres, (sql) => (sql === slow ? null : undefined));
  const first = await open();
  await first.send(encodeQuery(slow));
  const second = await open();
  await second.send(encodeQuery('SELECT 2'));
  await pass(3_000);
  expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1, size: 5 }]);
  expect(events.filter(({ event }) => event === 'server_connect_failed')).toEqual([
    expect.objectContaining({
      error: 'sorry, too many clients already',
      open: 1,
      poolSize: 5,
      hint: expect.stringContaining('lower the pool size, or raise max_connections'),
    }),
  ]);
  expect(second.heard()).toEqual([]);
  expect(second.isClosed).toBe(false);
});
