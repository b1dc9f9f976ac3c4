/**
 * NotificationResponses of one session. Others' come from the listening connection and wait while answers are under way;
 * its own come from the connection it sent them on, in time before the ReadyForQuery, and are not told twice. Where there is
 * no listening connection all come from its own.
 */
import { decodeNotification, encodeNotificationResponse } from '@postern/wire';
import { errorMessage } from './error-message.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';

const maxRemembered = 1_000;

interface Doubtful {
  readonly id: string;
  readonly message: Uint8Array;
  /** Segments that were under way when it came and still are: when none is left it is not this session's own. */
  segmentsLeft: number;
}

export class SessionNotifications {
  private readonly session: PooledSession;
  /** It is pinned to the connection on which it listens; nobody else listens for it. */
  isAlone = false;
  private waiting: Uint8Array[] | undefined;
  private waitingBytes = 0;
  /** Own notifications already told, until the listening connection brings them too. */
  private told: string[] | undefined;
  /**
   * From the process of the connection that the session has now, while answers are due: its own, which that connection tells
   * before the ReadyForQuery, or its former user's, which it does not.
   */
  private doubtful: Doubtful[] | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** The session's own connection has a notification. */
  heard(server: ServerConnection, body: Uint8Array): void {
    const { session } = this;
    const { processId, channel, payload } = decodeNotification(body);
    if (processId !== server.processId) {
      if (this.isAlone)
        this.pass(encodeNotificationResponse(session.pool.listener.senderOf(processId), channel, payload));
      return;
    }
    const id = `${processId} ${channel} ${payload}`;
    this.pass(encodeNotificationResponse(session.processId, channel, payload));
    if (this.isAlone || !session.state.label.channels.includes(channel)) return;
    const at = this.doubtful?.findIndex((notification) => notification.id === id) ?? -1;
    if (at >= 0) {
      this.doubtful?.splice(at, 1);
      return;
    }
    this.told ??= [];
    if (this.told.length < maxRemembered) this.told.push(id);
  }

  /** One of the session's own connection, which is not read while the caller does not read. */
  private pass(message: Uint8Array): void {
    this.session.receive(message, 0, message.length);
  }

  /** Takes a notification of the listening connection, unless it has been told by the own connection. */
  notify(processId: number, channel: string, payload: string, message: Uint8Array): void {
    const id = `${processId} ${channel} ${payload}`;
    if (take(this.told, id)) return;
    const { server } = this.session;
    const isDue = server !== undefined && !(server.isQuiet && server.status === TransactionStatus.Idle);
    this.doubtful ??= [];
    if (isDue && server.processId === processId && this.doubtful.length < maxRemembered) {
      this.doubtful.push({ id, message, segmentsLeft: this.session.inFlight });
    } else this.tell(message);
  }

  /** Gives a message to the caller now, or before its next ReadyForQuery outside a transaction. */
  tell(message: Uint8Array): void {
    const { session } = this;
    const { server } = session;
    if (session.phase !== 'open') return;
    if (server !== undefined && (!server.isQuiet || server.status !== TransactionStatus.Idle)) {
      this.waiting ??= [];
      this.waiting.push(message);
      this.waitingBytes += message.length;
    } else session.give(message);
    // The listening connection goes on being read, for others' sake.
    const { maxNotificationBytes } = session.context.limits;
    if (this.waitingBytes <= maxNotificationBytes && session.stream.bufferedBytes <= maxNotificationBytes) return;
    session.fail(
      errorMessage(
        'FATAL',
        '53400',
        `more than ${maxNotificationBytes} bytes wait for a caller that listens: it does not read them, or stays in a transaction`,
      ),
    );
  }

  /** Before the ReadyForQuery of a segment; outside a transaction what has waited is told. */
  segmentOver(status: number): void {
    const { session, waiting, doubtful } = this;
    if (doubtful !== undefined) for (const notification of doubtful) notification.segmentsLeft--;
    if (status !== TransactionStatus.Idle) return;
    this.waiting = undefined;
    this.waitingBytes = 0;
    if (waiting !== undefined) for (const message of waiting) session.give(message);
    if (doubtful === undefined) return;
    const left = doubtful.filter(({ segmentsLeft }) => segmentsLeft > 0);
    this.doubtful = left.length > 0 ? left : undefined;
    for (const { message, segmentsLeft } of doubtful) if (segmentsLeft <= 0) session.give(message);
  }
}

function take(ids: string[] | undefined, id: string): boolean {
  const at = ids?.indexOf(id) ?? -1;
  if (at >= 0) ids?.splice(at, 1);
  return at >= 0;
}
