/** One attempt to reach Postgres and to log in, for pools and direct sessions alike. */
import { isFull } from './connect-retry.ts';
import { dialWithin } from './dial-within.ts';
import type { EngineContext } from './engine-context.ts';
import type { Identity, Target } from './identity.ts';
import type { LoginFacts } from './server-connection.ts';
import { type LoginOptions, logIn } from './server-login.ts';

export interface OpenOptions extends Pick<LoginOptions, 'parameters' | 'minor'> {
  readonly target: Target;
  readonly identity: Identity;
  /** For both together. */
  readonly timeoutMs: number;
}

/** Rejects as `logIn` does, or with the error of `dial`. Where Postgres is full, an idle connection of another pool makes way. */
export async function openConnection(context: EngineContext, options: OpenOptions): Promise<LoginFacts> {
  const { clock, dial, limits } = context;
  const { target, identity, timeoutMs } = options;
  const endAt = clock.now() + timeoutMs;
  try {
    return await logIn({
      ...options,
      stream: await dialWithin(clock, dial, target, timeoutMs),
      database: target.database,
      clock,
      timeoutMs: Math.max(1, endAt - clock.now()),
      maxMessageBytes: limits.maxMessageBytes,
    });
  } catch (error) {
    if (isFull(error)) context.serverIsFull(target, identity, error);
    throw error;
  }
}
