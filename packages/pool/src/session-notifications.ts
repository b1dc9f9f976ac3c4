/**
 * NotificationResponses of one session. Others' come from the listening connection and wait while answers are under way;
 * its own come from the connection it sent them on, in time before the ReadyForQuery, and are not told twice.
 */
import { decodeNotification, encodeNotificationResponse } from '@postern/wire';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';

const maxRemembered = 1_000;

export class SessionNotifications {
  private readonly session: PooledSession;
  private waiting: Uint8Array[] | undefined;
  /** Own notifications already told, until the listening connection brings them too. */
  private told: string[] | undefined;
  /** Own notifications that the listening connection brought first. */
  private early: string[] | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** The session's own connection has a notification. */
  heard(server: ServerConnection, body: Uint8Array): void {
    const { session } = this;
    const { processId, channel, payload } = decodeNotification(body);
    if (processId !== server.processId) return;
    session.give(encodeNotificationResponse(session.processId, channel, payload));
    if (!session.state.label.channels.includes(channel)) return;
    const id = `${processId} ${channel} ${payload}`;
    if (take(this.early, id)) return;
    this.told ??= [];
    if (this.told.length < maxRemembered) this.told.push(id);
  }

  /** Whether a notification of the listening connection has been, or is about to be, told by the own connection. */
  hasHeard(processId: number, channel: string, payload: string): boolean {
    const id = `${processId} ${channel} ${payload}`;
    if (take(this.told, id)) return true;
    const { server } = this.session;
    // The connection may have been somebody else's when it was sent.
    if (server?.processId !== processId || server.notifier !== this.session) return false;
    this.early ??= [];
    if (this.early.length < maxRemembered) this.early.push(id);
    return true;
  }

  /** Gives a message to the caller now, or before its next ReadyForQuery outside a transaction. */
  tell(message: Uint8Array): void {
    const { session } = this;
    const { server } = session;
    if (session.phase !== 'open') return;
    if (server !== undefined && (!server.isQuiet || server.status !== TransactionStatus.Idle)) {
      this.waiting ??= [];
      this.waiting.push(message);
    } else session.give(message);
  }

  flush(): void {
    if (this.waiting === undefined) return;
    for (const message of this.waiting) this.session.give(message);
    this.waiting = undefined;
  }
}

function take(ids: string[] | undefined, id: string): boolean {
  const at = ids?.indexOf(id) ?? -1;
  if (at >= 0) ids?.splice(at, 1);
  return at >= 0;
}
