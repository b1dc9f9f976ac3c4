/**
 * LISTEN for pooled sessions: one connection per pool listens on every channel that any session listens on, and hands each
 * notification to those sessions. What a session listens on is told by Postgres (inspection.ts), so transactions, functions
 * and UNLISTEN need no rules here. After a loss the channels are listened on again and every listener is warned of the gap.
 */
import { decodeNotification, encodeNoticeResponse, encodeNotificationResponse, encodeQuery } from '@postern/wire';
import { createErrand } from './errand.ts';
import { quoteIdentifier } from './label.ts';
import type { Pool } from './pool.ts';
import type { ServerConnection } from './server-connection.ts';

/** A session as the listener sees it. */
export interface ListeningSession {
  readonly processId: number;
  /** Gives a backend message to the caller between its transactions. */
  notify(message: Uint8Array): void;
  /** A notification of the listening connection; the session drops it when its own connection told it. */
  hear(processId: number, channel: string, payload: string, message: Uint8Array): void;
}

export interface Listener {
  /**
   * The session now listens on exactly these channels; `done` when that is true, or when no connection can be had for it:
   * then the session must listen by itself.
   */
  listen(session: ListeningSession, channels: readonly string[], done: (isListening: boolean) => void): void;
  forget(session: ListeningSession): void;
  /** This session runs what may send notifications, on that server process: others see its own virtual process id. */
  mayHaveSent(serverProcessId: number, session: ListeningSession): void;
  /** Whose process id callers are shown for notifications of this server process. */
  senderOf(serverProcessId: number): number;
  /** Gives the connection back to Postgres when nobody listens any more. */
  closeUnused(): void;
  /** Server connections used: 0 or 1. */
  readonly connections: number;
  close(): void;
}

/** Server processes whose last sender is remembered, closed connections included: notifications may outlive them. */
const maxSenders = 1_000;

export function createListener(pool: Pool): Listener {
  const senders = new Map<number, number>();
  const channels = new Map<string, Set<ListeningSession>>();
  const bySession = new Map<ListeningSession, readonly string[]>();
  let state: 'closed' | 'connecting' | 'listening' = 'closed';
  let server: ServerConnection | undefined;
  let hasGap = false;
  let waiting: (() => void)[] = [];
  let isClosed = false;

  function connect(): void {
    if (state !== 'closed' || isClosed) return;
    state = 'connecting';
    pool.connect(pool.context.limits.loginTimeoutMs).then(opened, () => {
      state = 'closed';
      hasGap = true;
      if (channels.size > 0) pool.context.clock.after(500, connect);
    });
  }

  function opened(connection: ServerConnection): void {
    if (isClosed) {
      connection.destroy();
      return;
    }
    server = connection;
    state = 'listening';
    connection.onNotification = { heard: (_, body) => deliver(body) };
    connection.holder = createErrand({ ready: () => {}, lost });
    if (channels.size > 0)
      run(
        [...channels.keys()].map((channel) => `LISTEN ${quoteIdentifier(channel)}`),
        caughtUp,
      );
    else caughtUp();
  }

  function caughtUp(): void {
    if (hasGap) {
      hasGap = false;
      const notice = encodeNoticeResponse({
        severity: 'WARNING',
        severityNonLocalized: 'WARNING',
        code: '01000',
        message: 'the listening connection was lost for a while: notifications may have been missed',
      });
      for (const session of bySession.keys()) session.notify(notice);
    }
    const ready = waiting;
    waiting = [];
    for (const done of ready) done();
  }

  function lost(): void {
    server = undefined;
    state = 'closed';
    hasGap = true;
    if (channels.size > 0) connect();
  }

  function run(statements: readonly string[], done: () => void): void {
    server!.sendQuery(
      encodeQuery(statements.join('; ')),
      createErrand({ ready: done, lost: () => waiting.push(done) }),
    );
  }

  function deliver(body: Uint8Array): void {
    const notification = decodeNotification(body);
    const sessions = channels.get(notification.channel);
    if (sessions === undefined) return;
    const { processId, channel, payload } = notification;
    const message = encodeNotificationResponse(senderOf(processId), channel, payload);
    for (const session of sessions) session.hear(processId, channel, payload, message);
  }

  function senderOf(serverProcessId: number): number {
    return senders.get(serverProcessId) ?? serverProcessId;
  }

  function forget(session: ListeningSession): void {
    const { removed } = change(session, []);
    if (server !== undefined && removed.length > 0) {
      run(
        removed.map((channel) => `UNLISTEN ${quoteIdentifier(channel)}`),
        () => {},
      );
    }
  }

  /** `done`, whose time is limited: what is not listened on by then is given up. */
  function limited(session: ListeningSession, done: (isListening: boolean) => void): () => void {
    let isOver = false;
    const end = (isListening: boolean): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      if (!isListening) forget(session);
      done(isListening);
    };
    const timer = pool.context.clock.after(pool.context.limits.loginTimeoutMs, () => end(false));
    return () => end(true);
  }

  /** Changes who listens on what; the channels nobody had before, and those nobody has any more. */
  function change(session: ListeningSession, wanted: readonly string[]): { added: string[]; removed: string[] } {
    const added: string[] = [];
    const removed: string[] = [];
    for (const channel of bySession.get(session) ?? []) {
      if (wanted.includes(channel)) continue;
      const sessions = channels.get(channel);
      sessions?.delete(session);
      if (sessions?.size === 0) {
        channels.delete(channel);
        removed.push(channel);
      }
    }
    for (const channel of wanted) {
      let sessions = channels.get(channel);
      if (sessions === undefined) {
        sessions = new Set();
        channels.set(channel, sessions);
        added.push(channel);
      }
      sessions.add(session);
    }
    if (wanted.length === 0) bySession.delete(session);
    else bySession.set(session, wanted);
    return { added, removed };
  }

  return {
    listen(session, wanted, done) {
      const before = bySession.get(session) ?? [];
      if (before.length === wanted.length && wanted.every((channel) => before.includes(channel))) return done(true);
      const { added, removed } = change(session, wanted);
      if (server === undefined) {
        if (added.length === 0) return done(true);
        waiting.push(limited(session, done));
        connect();
        return;
      }
      const statements = [
        ...added.map((channel) => `LISTEN ${quoteIdentifier(channel)}`),
        ...removed.map((channel) => `UNLISTEN ${quoteIdentifier(channel)}`),
      ];
      if (statements.length === 0) return done(true);
      if (added.length > 0) return run(statements, limited(session, done));
      // Answered before that is so, what is sent meanwhile would be heard by a LISTEN that comes after it.
      const left = (): void => done(true);
      server.sendQuery(encodeQuery(statements.join('; ')), createErrand({ ready: left, lost: left }));
    },
    forget,
    mayHaveSent(serverProcessId, { processId }) {
      if (senders.get(serverProcessId) === processId) return;
      // The eldest goes first, so one that sends again is put behind the others.
      senders.delete(serverProcessId);
      if (senders.size >= maxSenders) senders.delete(senders.keys().next().value!);
      senders.set(serverProcessId, processId);
    },
    senderOf,
    closeUnused() {
      if (server === undefined || channels.size > 0 || server.owed.length > 0) return;
      server.close();
      server = undefined;
      state = 'closed';
      pool.context.connectionClosed(pool);
    },
    get connections() {
      return server === undefined ? 0 : 1;
    },
    close() {
      isClosed = true;
      server?.destroy();
    },
  };
}
