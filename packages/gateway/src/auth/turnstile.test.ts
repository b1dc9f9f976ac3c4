import { expect, it } from 'vitest';
import { createTurnstile } from './turnstile.ts';

it('runs so many at once, the others in their order, and refuses beyond its queue', async () => {
  const turnstile = createTurnstile({ maxRunning: 2, maxWaiting: 2, onFull: () => new Error('full') });
  const started: number[] = [];
  const finish: ((fails: boolean) => void)[] = [];
  const results = [0, 1, 2, 3, 4].map((n) =>
    turnstile
      .run(() => {
        started.push(n);
        return new Promise<number>((resolve, reject) => {
          finish[n] = (fails) => (fails ? reject(new Error(`${n} failed`)) : resolve(n));
        });
      })
      .catch((error: Error) => error.message),
  );
  expect(await results[4]).toBe('full');
  expect(started).toEqual([0, 1]);
  finish[1]!(true);
  expect(await results[1]).toBe('1 failed');
  expect(started).toEqual([0, 1, 2]);
  finish[0]!(false);
  await results[0];
  expect(started).toEqual([0, 1, 2, 3]);
  finish[2]!(false);
  finish[3]!(false);
  expect(await Promise.all(results)).toEqual([0, '1 failed', 2, 3, 'full']);
  expect(await turnstile.run(async () => 'again')).toBe('again');
});
