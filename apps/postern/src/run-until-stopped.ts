import type { Event } from './log/event.ts';
import type { OpenGateway } from './open-gateway.ts';
import type { StopRequest } from './stop-request.ts';

export interface RunUntilStoppedOptions {
  readonly gateway: OpenGateway;
  readonly stop: StopRequest;
  /** Asked when it stops. */
  readonly graceMs: () => number;
  log(event: Event): void;
}

/** Waits for the wish to stop, then closes the gateway: running transactions may finish, within the grace period. */
export async function runUntilStopped({ gateway, stop, graceMs: graceOf, log }: RunUntilStoppedOptions): Promise<void> {
  const reason = await stop.requested;
  const graceMs = graceOf();
  log({ event: 'stopping', reason, graceMs });
  await gateway.close(graceMs);
  log({ event: 'stopped' });
}
