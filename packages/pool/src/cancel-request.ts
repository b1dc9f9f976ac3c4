/** CancelRequests to Postgres: each on a connection of its own, over when Postgres closes it. */
import { encodeCancelRequest } from '@postern/wire';
import type { Clock } from './clock.ts';
import type { Dial, Target } from './identity.ts';

const maxAttempts = 3;
const retryDelayMs = 100;

/** What is to be cancelled. `cancelsInFlight` is counted up for as long as the cancel could hit. */
export interface Cancellable {
  readonly processId: number;
  readonly secretKey: Uint8Array;
  cancelsInFlight?: number;
}

/** Resolves when Postgres has dealt with it or was silent for `timeoutMs`; rejects when it cannot be reached. */
export async function sendCancelRequest(
  seams: { readonly dial: Dial; readonly clock: Clock; readonly timeoutMs: number },
  target: Target,
  server: Cancellable,
): Promise<void> {
  if (server.secretKey.length === 0) throw new Error('Postgres gave no cancel key');
  if (server.cancelsInFlight !== undefined) server.cancelsInFlight++;
  try {
    const stream = await dialAgain(seams, target);
    await new Promise<void>((resolve) => {
      const timer = seams.clock.after(seams.timeoutMs, () => {
        stream.destroy();
        resolve();
      });
      stream.onClose = (): void => {
        timer.cancel();
        resolve();
      };
      stream.onData = undefined;
      stream.write(encodeCancelRequest(server.processId, server.secretKey));
    });
  } finally {
    if (server.cancelsInFlight !== undefined) server.cancelsInFlight--;
  }
}

/** A Postgres whose places are all taken refuses even a cancel; a moment later it may not. */
async function dialAgain(
  { dial, clock }: { readonly dial: Dial; readonly clock: Clock },
  target: Target,
): Promise<Awaited<ReturnType<Dial>>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dial(target);
    } catch (error) {
      if (attempt === maxAttempts) throw error;
      await new Promise<void>((resolve) => {
        clock.after(retryDelayMs * attempt, resolve);
      });
    }
  }
}
