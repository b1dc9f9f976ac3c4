/** One attempt to reach Postgres, with an end in time: a dial that hangs must not use up the whole budget. */
import type { ByteStream } from './byte-stream.ts';
import type { Clock } from './clock.ts';
import { PoolError } from './errors.ts';
import type { Dial, Target } from './identity.ts';

/** Rejects as `dial` does, or with `connect_timeout`; a stream that comes too late is destroyed. */
export function dialWithin(clock: Clock, dial: Dial, target: Target, timeoutMs: number): Promise<ByteStream> {
  return new Promise<ByteStream>((resolve, reject) => {
    let isOver = false;
    const timer = clock.after(timeoutMs, () => {
      isOver = true;
      reject(
        new PoolError({
          code: 'connect_timeout',
          sqlstate: '08001',
          message: `Postgres did not accept a connection within ${Math.round(timeoutMs)} ms`,
          safeToRetry: true,
        }),
      );
    });
    dial(target).then(
      (stream) => {
        timer.cancel();
        if (isOver) stream.destroy();
        else resolve(stream);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
