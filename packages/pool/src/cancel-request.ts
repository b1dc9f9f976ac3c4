/** CancelRequests to Postgres: each on a connection of its own, over when Postgres closes it. */
import { encodeCancelRequest } from '@postern/wire';
import type { Clock } from './clock.ts';
import type { Dial, Target } from './identity.ts';

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
    const stream = await seams.dial(target);
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
