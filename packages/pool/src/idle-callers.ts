/**
 * Disconnects callers that have been idle for too long. One timer for all, and nothing in a session but a counter that
 * moves when its caller sends: looked at now and then, so a caller may be idle for a little longer than the limit.
 */
import type { Clock, Timer } from './clock.ts';
import { PoolError } from './errors.ts';

/** A session as it is seen here. */
export interface IdleCandidate {
  /** Moves when the caller sends something. */
  readonly sent: number;
  /** It has or waits for a server connection, or waits for notifications. */
  readonly isOccupied: boolean;
}

export interface IdleCallersOptions<Session> {
  readonly clock: Clock;
  /** 0 = never. */
  readonly timeoutMs: number;
  sessions(): Iterable<Session>;
  look(session: Session): IdleCandidate;
  disconnect(session: Session, error: PoolError): void;
}

export interface IdleCallers {
  /** There is a session. */
  watch(): void;
  /** There is none any more. */
  rest(): void;
}

/** Looks in the time limit: how much longer than it a caller may be idle. */
const looksPerTimeout = 8;

export function createIdleCallers<Session extends object>(options: IdleCallersOptions<Session>): IdleCallers {
  const { clock, timeoutMs } = options;
  let seen = new Map<Session, { readonly sent: number; readonly since: number }>();
  let timer: Timer | undefined;

  function look(): void {
    timer = undefined;
    const now = clock.now();
    const before = seen;
    seen = new Map();
    for (const session of [...options.sessions()]) {
      const { sent, isOccupied } = options.look(session);
      const last = before.get(session);
      if (isOccupied || last === undefined || last.sent !== sent) seen.set(session, { sent, since: now });
      else if (now - last.since < timeoutMs) seen.set(session, last);
      else options.disconnect(session, idleTooLong(timeoutMs));
    }
    if (seen.size > 0) watch();
  }

  function watch(): void {
    if (timeoutMs > 0) timer ??= clock.after(timeoutMs / looksPerTimeout, look);
  }

  return {
    watch,
    rest() {
      timer?.cancel();
      timer = undefined;
      seen.clear();
    },
  };
}

function idleTooLong(timeoutMs: number): PoolError {
  return new PoolError({
    code: 'idle_timeout',
    sqlstate: '57P05',
    message: `terminating connection: nothing was sent for ${timeoutMs / 1000} s (client_idle_timeout)`,
    safeToRetry: true,
  });
}
