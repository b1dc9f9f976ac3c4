/** The end of a session that still has answers to come: Postgres reads in order too, so its last message comes behind them. */
import { encodeFlush } from '@postern/wire';
import type { PooledSession } from './session.ts';

/** How long the answers may take before the session ends without them. */
const patienceMs = 1_000;

export class LastWords {
  private readonly session: PooledSession;
  private message: Uint8Array | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** The session only waits for the answers to what it has sent. */
  get areDue(): boolean {
    return this.message !== undefined;
  }

  /** Ends the session with `message`, once what was sent before is answered. */
  sayAfterAnswers(message: Uint8Array): void {
    const { session } = this;
    const { server } = session;
    if (server === undefined || server.owed.length === 0 || server.isCopyingIn || session.riding.isRiding) {
      session.fail(message);
      return;
    }
    this.message = message;
    server.send(encodeFlush());
    session.context.clock.after(patienceMs, () => session.fail(message));
  }

  /** An answer came: if it was the last one, this is the end, once that answer has been given out. */
  answerCame(): void {
    // The closure is made elsewhere: where one is made, V8 allocates for every call, and this is called for every answer.
    if (this.message !== undefined) this.sayIfAnswered();
  }

  private sayIfAnswered(): void {
    queueMicrotask(() => {
      const { message, session } = this;
      if (message === undefined || (session.server !== undefined && session.server.owed.length > 0)) return;
      session.fail(message);
    });
  }
}
