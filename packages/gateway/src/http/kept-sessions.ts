// Sessions that serve one request of a caller after another: opening one costs more than a small query. A request has its
// session to itself, and one on which anything happened that the next could notice is closed behind it; so a kept session
// is as good as a new one, but for the statements it has prepared.

import type { ByteStream, Clock } from '@postern/pool';
import type { SessionListener, SessionPort, SessionStatements } from './session-port.ts';
import { createSessionStream, type SessionStream } from './session-stream.ts';
import type { SqlSession } from './sql-backend.ts';

export interface KeptSessionsOptions {
  readonly clock: Clock;
  /** Idle sessions of all callers together; a few kB each. */
  readonly maxIdle?: number;
  /** Unused for so long they are closed: they count as sessions, and keep their pool. */
  readonly idleTimeoutMs?: number;
  /** Statements a session has before it is closed and a new one takes its place. */
  readonly maxStatements?: number;
  /** Begins the names of statements. Not to be guessed: SQL could name them. */
  readonly namePrefix: string;
}

export interface KeptSessions {
  /** Gives an idle session of the same caller with the same settings, or one that the owner opens. */
  lend(owner: SessionOwner, listener: SessionListener): SessionPort;
}

/** Who wants a session. Those of owners with the same key and settings are interchangeable. */
export interface SessionOwner {
  readonly callerKey: string;
  /** Settings and options of the session, by identity. */
  readonly settings: object;
  /** Starts a session; see SqlBackend.openSession. */
  openSession(stream: ByteStream): SqlSession | undefined;
}

const maxShelves = 100;
/** ReadyForQuery outside a transaction. */
const idleStatus = 0x49;

export function createKeptSessions(options: KeptSessionsOptions): KeptSessions {
  const { clock, maxIdle = 256, idleTimeoutMs = 5_000, maxStatements = 50, namePrefix } = options;
  const shelves = new WeakMap<object, Map<string, KeptSession[]>>();
  /** Shelves with idle sessions, and some whose sessions are all lent. On each the longest idle is first. */
  const stocked = new Set<KeptSession[]>();
  /** Of all callers together. */
  let idleCount = 0;
  let isSweepPlanned = false;

  function shelfOf({ settings, callerKey }: SessionOwner): KeptSession[] {
    let callers = shelves.get(settings);
    if (callers === undefined) {
      callers = new Map();
      shelves.set(settings, callers);
    }
    let shelf = callers.get(callerKey);
    if (shelf === undefined) {
      // Many callers by one connection string: with tokens of their own.
      if (callers.size >= maxShelves) callers.clear();
      shelf = [];
      callers.set(callerKey, shelf);
    }
    return shelf;
  }

  function sweep(): void {
    isSweepPlanned = false;
    const since = clock.now() - idleTimeoutMs;
    for (const shelf of stocked) {
      while (shelf.length > 0 && shelf[0]!.idleSince <= since) shelf[0]!.hangUp();
    }
    planSweep();
  }

  function planSweep(): void {
    if (isSweepPlanned || idleCount === 0) return;
    isSweepPlanned = true;
    clock.after(idleTimeoutMs, sweep);
  }

  const keeper: Keeper = {
    maxStatements,
    namePrefix,
    keep(session) {
      if (idleCount >= maxIdle) return false;
      const { shelf } = session;
      session.idleSince = clock.now();
      if (shelf.push(session) === 1) stocked.add(shelf);
      idleCount++;
      planSweep();
      return true;
    },
    ended(session) {
      const { shelf } = session;
      const at = shelf.indexOf(session);
      if (at >= 0) {
        shelf.splice(at, 1);
        idleCount--;
      }
      if (shelf.length === 0) stocked.delete(shelf);
    },
  };

  return {
    lend(owner, listener) {
      const shelf = shelfOf(owner);
      const kept = shelf.pop();
      if (kept !== undefined) {
        idleCount--;
        return kept.lend(listener);
      }
      const session = new KeptSession(keeper, shelf);
      const port = session.lend(listener);
      session.start(owner);
      return port;
    },
  };
}

interface Keeper {
  readonly maxStatements: number;
  readonly namePrefix: string;
  /** False: there is no room for it. */
  keep(session: KeptSession): boolean;
  /** The session is over; it may have been idle. */
  ended(session: KeptSession): void;
}

class KeptSession implements SessionStatements {
  readonly shelf: KeptSession[];
  idleSince = 0;
  /** Of the request that has it. */
  private port: KeptSessionPort | undefined;
  private readonly keeper: Keeper;
  private readonly stream: SessionStream;
  private session: SqlSession | undefined;
  private names: Map<string, string> | undefined;
  private isFull = false;
  /** The request that has it prepares a statement. */
  private isPreparing = false;

  constructor(keeper: Keeper, shelf: KeptSession[]) {
    this.keeper = keeper;
    this.shelf = shelf;
    this.stream = createSessionStream(this);
  }

  start(owner: SessionOwner): void {
    this.session = owner.openSession(this.stream);
  }

  lend(listener: SessionListener): SessionPort {
    if (this.session !== undefined) this.session.isSpare = false;
    this.isPreparing = false;
    this.port = new KeptSessionPort(this, listener);
    return this.port;
  }

  isLentTo(port: KeptSessionPort): boolean {
    return this.port === port;
  }

  get mayKeepStatements(): boolean {
    return this.session !== undefined;
  }

  send(bytes: Uint8Array): void {
    this.stream.send(bytes);
  }

  drained(): void {
    this.stream.drained();
  }

  /** The request that had it is done. */
  returned(status: number | undefined, hasFailed: boolean): void {
    this.port = undefined;
    // Whether a statement of a request that failed was prepared is not known.
    const areNamesKnown = !this.isFull && !(this.isPreparing && hasFailed);
    const isAsNew = status === idleStatus && areNamesKnown && this.session?.isUntouched === true;
    if (!isAsNew || !this.keeper.keep(this)) this.hangUp();
    else this.session!.isSpare = true;
  }

  hangUp(): void {
    this.keeper.ended(this);
    this.port = undefined;
    this.stream.hangUp();
  }

  // --- the session's stream ---

  onBytes(bytes: Uint8Array): void {
    this.port?.listener.onBytes(bytes);
  }

  onEnded(error: Error | undefined): void {
    this.keeper.ended(this);
    const { port } = this;
    this.port = undefined;
    port?.listener.onEnded(error);
  }

  get bufferedBytes(): number {
    return this.port?.listener.bufferedBytes ?? 0;
  }

  // --- SessionStatements ---

  get(text: string): string | undefined {
    return this.names?.get(text);
  }

  add(text: string): string | undefined {
    if (this.isFull) return undefined;
    this.isPreparing = true;
    this.names ??= new Map();
    const name = `${this.keeper.namePrefix}${this.names.size}`;
    this.names.set(text, name);
    this.isFull = this.names.size >= this.keeper.maxStatements;
    return name;
  }
}

/** One request's hold of the session: after `leave` it reaches nobody. */
class KeptSessionPort implements SessionPort {
  readonly listener: SessionListener;
  private readonly session: KeptSession;

  constructor(session: KeptSession, listener: SessionListener) {
    this.session = session;
    this.listener = listener;
  }

  get statements(): SessionStatements | undefined {
    return this.session.mayKeepStatements ? this.session : undefined;
  }

  send(bytes: Uint8Array): void {
    if (this.session.isLentTo(this)) this.session.send(bytes);
  }

  drained(): void {
    if (this.session.isLentTo(this)) this.session.drained();
  }

  leave(status: number | undefined, hasFailed = false): void {
    if (this.session.isLentTo(this)) this.session.returned(status, hasFailed);
  }
}
