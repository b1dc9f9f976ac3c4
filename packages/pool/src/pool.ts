/**
 * The server connections of one target and identity. Every state is a collection; a connection is in exactly one of them,
 * and the functions here are the only ones that move it. What travels on a connection is not the pool's business.
 */
import { Connector } from './connector.ts';
import type { EngineContext } from './engine-context.ts';
import { expireWaits } from './expired-waits.ts';
import { createFunctionKnowledge, type FunctionKnowledge } from './function-knowledge.ts';
import type { Identity, Target } from './identity.ts';
import { createLabels, type Labels } from './label.ts';
import { createListener, type Listener } from './listener.ts';
import { createParameterSets, type ParameterSets } from './parameter-set.ts';
import type { Pin, PoolStats } from './pool-stats.ts';
import { recover } from './recovery.ts';
import { createRelationKnowledge, type RelationKnowledge } from './relation-knowledge.ts';
import type { ServerConnection } from './server-connection.ts';
import { ServerSet } from './server-set.ts';
import type { Startup } from './session-opening.ts';
import { SharedLeases } from './shared-leases.ts';
import { createClassifier } from './sql/classify-cache.ts';
import { createStatementTexts, type StatementTexts } from './statements.ts';
import { type LimitGroup, type Waiter, WaitQueue } from './wait-queue.ts';

export class Pool {
  readonly target: Target;
  readonly identity: Identity;
  readonly labels: Labels = createLabels();
  readonly parameterSets: ParameterSets = createParameterSets();
  readonly texts: StatementTexts;
  readonly context: EngineContext;
  readonly size: number;
  /** As many of these as this process may have now: all, or its permits where processes share a budget (permit-ledger.ts). */
  quota: number;
  /** Logins under way that hold a permit, or wait for one; they count only where there are permits. */
  entering = 0;
  /** Connections closed on our side whose place Postgres may still count; likewise. */
  leaving = 0;
  readonly functions: FunctionKnowledge;
  readonly relations: RelationKnowledge;
  readonly listener: Listener;
  /** Start-up parameters whose meaning is known, by their text. */
  readonly startups: Map<string, Startup> = new Map();
  /** Sessions that may come back; a pool without any is dropped when its last connection closes. */
  sessions = 0;

  private readonly idle: ServerConnection[] = [];
  private readonly leased = new ServerSet();
  private readonly pinned = new Map<ServerConnection, Pin>();
  private readonly recovering = new Set<ServerConnection>();
  readonly waiters: WaitQueue = new WaitQueue();
  private readonly shared: SharedLeases;

  private readonly connector: Connector;
  /** Connections are being handed to waiters: what becomes free meanwhile is theirs. */
  private isServing = false;
  private faults = 0;

  constructor(context: EngineContext, target: Target, identity: Identity, size: number) {
    this.context = context;
    this.target = target;
    this.identity = identity;
    this.size = size;
    this.quota = size;
    this.shared = new SharedLeases({
      clock: context.clock,
      turns: context.turns,
      waiters: this.waiters,
      leased: this.leased,
      hasIdle: () => this.idle.length > 0,
      freed: (server) => this.release(server, undefined),
    });
    this.functions = createFunctionKnowledge(context.clock);
    this.relations = createRelationKnowledge(context.turns);
    this.connector = new Connector(this);
    this.listener = createListener(this);
    const classifier = createClassifier();
    this.texts = createStatementTexts({
      classify: (sql) => classifier.classify(sql),
      maxTexts: context.limits.maxStatementTexts,
    });
  }

  /** Connections that count against the pool's size: pinned ones have a budget of their own. */
  get counted(): number {
    return this.connector.connecting + this.entering + this.idle.length + this.leased.size + this.recovering.size;
  }

  /** Waiters for whom no connection is being opened. */
  get lacking(): number {
    return this.waiters.length - this.connector.connecting;
  }

  get isUnused(): boolean {
    return (
      this.sessions === 0 &&
      this.connector.verifying === 0 &&
      this.counted === 0 &&
      this.pinned.size === 0 &&
      this.waiters.length === 0
    );
  }

  /**
   * A connection now, or undefined: then `waiter.ride` was called, or `waiter.granted`, `ride` or `refused` will be.
   */
  acquire(waiter: Waiter): ServerConnection | undefined {
    const { group } = waiter;
    // Who waits while a connection is idle waits for its own connection_limit, not for the pool.
    const isQueueOpen = !this.isServing || this.waiters.length === 0;
    if (this.context.limits.multiplexing && this.waiters.length === 0) {
      const isFull = this.idle.length === 0 && this.counted >= this.quota;
      if (this.shared.join(waiter, isFull)) return undefined;
    }
    if (this.idle.length > 0 && isQueueOpen && (group === undefined || group.lent < group.limit)) {
      const server = this.takeIdle(waiter);
      this.lend(server, waiter);
      return server;
    }
    if (!waiter.waitsOn) waiter.waitingSince = this.context.clock.now();
    this.waiters.push(waiter);
    if (group !== undefined && group.lent >= group.limit) this.context.permits?.groupNeeded(group);
    this.context.watchWaiters(this);
    this.connector.openIfWanted();
    return undefined;
  }

  /** A session that shared a connection has its answers. */
  rideEnded(server: ServerConnection): void {
    this.shared.left(server);
  }

  /** The waiter gave up. */
  abandon(waiter: Waiter): boolean {
    return this.waiters.remove(waiter);
  }

  private takeIdle(waiter: Waiter): ServerConnection {
    const { idle } = this;
    let at = waiter.lastServer === undefined ? -1 : idle.lastIndexOf(waiter.lastServer);
    for (let i = idle.length - 1; at < 0 && i >= Math.max(0, idle.length - 8); i--) {
      if (!idle[i]!.isDirty && idle[i]!.label === waiter.label) at = i;
    }
    if (at < 0) at = idle.length - 1;
    return at === idle.length - 1 ? idle.pop()! : idle.splice(at, 1)[0]!;
  }

  private lend(server: ServerConnection, waiter: Waiter): void {
    this.leased.add(server);
    server.wasLent = true;
    if (waiter.group !== undefined) waiter.group.lent++;
  }

  private unlend(group: LimitGroup): void {
    group.lent--;
    this.context.permits?.groupChanged(group);
  }

  /** The lease is over: the connection must satisfy the release rule (Session checks it). */
  release(server: ServerConnection, waiter: Waiter | undefined): void {
    if (waiter?.group !== undefined) this.unlend(waiter.group);
    this.leased.delete(server);
    this.pinned.delete(server);
    this.recovering.delete(server);
    if (server.isGone) {
      this.openIfWanted();
      return;
    }
    server.holder = undefined;
    server.idleSince = this.context.clock.now();
    if (this.isSurplus(server)) {
      this.giveUp(server);
      this.openIfWanted();
      return;
    }
    this.idle.push(server);
    this.serve();
  }

  /**
   * Lends what is idle to those who wait. A loop, not a recursion: whoever is granted a connection may release it at once,
   * and ten thousand may be waiting.
   */
  private serve(): void {
    if (this.isServing || this.waiters.length === 0) return;
    this.isServing = true;
    while (this.idle.length > 0) {
      const next = this.waiters.shift();
      // Those left wait for their own connection_limit.
      if (next === undefined) break;
      const server = this.takeIdle(next);
      this.lend(server, next);
      next.granted(server);
    }
    this.isServing = false;
    if (this.context.limits.multiplexing) this.shared.boardWaiters();
  }

  private isSurplus(server: ServerConnection): boolean {
    const { isClosing, limits } = this.context;
    return (
      isClosing ||
      server.isSuspect ||
      this.counted >= this.quota ||
      this.context.isOverBudget(this) ||
      // One that nobody has used yet is there because somebody waits for it.
      (server.wasLent && server.idleSince - server.openedAt > limits.serverLifetimeMs)
    );
  }

  /** Moves a lease to the budget of pins. False: that budget is used up. */
  pin(server: ServerConnection, pin: Pin): boolean {
    if (!this.pinned.has(server)) {
      if (this.pinned.size >= this.context.limits.maxPinned) return false;
      this.leased.delete(server);
    }
    this.pinned.set(server, pin);
    this.openIfWanted();
    return true;
  }

  unpin(server: ServerConnection): void {
    if (this.pinned.delete(server)) this.leased.add(server);
  }

  /** The session left in the middle of something: bring the connection back to a known state, or close it. */
  recover(server: ServerConnection, waiter: Waiter | undefined): void {
    if (waiter?.group !== undefined) this.unlend(waiter.group);
    this.leased.delete(server);
    this.pinned.delete(server);
    if (server.isGone) {
      this.openIfWanted();
      return;
    }
    this.recovering.add(server);
    recover(this.context, this.target, server, this.labels.none, (isUsable) => {
      if (isUsable) this.release(server, undefined);
      else server.destroy();
    });
  }

  /** The session left something that no reset removes: the connection goes with it. */
  discard(server: ServerConnection, waiter: Waiter | undefined): void {
    if (waiter?.group !== undefined) this.unlend(waiter.group);
    server.destroy();
  }

  /**
   * Logs in once, to verify the identity, whatever the limits: nothing else proves it. The connection is kept where there is
   * room for it, and closed at once where there is not.
   */
  login(timeoutMs: number): Promise<void> {
    return this.connector.verify(timeoutMs);
  }

  /** Serves those who wait with what is idle, and opens connections for the rest, as far as the limits allow. */
  openIfWanted(): void {
    this.serve();
    this.connector.openIfWanted();
  }

  /** A connection opened for the pool is there: to the first who waits, or idle. */
  arrived(server: ServerConnection): void {
    this.leased.add(server);
    this.release(server, undefined);
  }

  /** One beyond those the pool counts: to verify an identity, or to listen. */
  connect(timeoutMs: number): Promise<ServerConnection> {
    return this.connector.connect(timeoutMs);
  }

  serverGone(server: ServerConnection, fault: string | undefined): void {
    const at = this.idle.indexOf(server);
    if (at >= 0) this.idle.splice(at, 1);
    this.leased.delete(server);
    this.pinned.delete(server);
    this.recovering.delete(server);
    this.context.connectionClosed(this);
    if (fault !== undefined) {
      this.faults++;
      this.context.log({ event: 'server_connection_fault', target: this.describe(), error: fault });
    }
    this.openIfWanted();
  }

  /** Ends the waits that took too long. */
  expireWaiters(): void {
    const { failure } = this.connector;
    const isDown = failure !== undefined && this.idle.length + this.leased.size + this.pinned.size === 0;
    expireWaits(this, failure, isDown);
  }

  /** Closes connections that were idle for too long. Returns whether any connection is left. */
  closeStale(): boolean {
    const { clock, limits } = this.context;
    const now = clock.now();
    for (const server of [...this.idle]) {
      const idleTimeoutMs = server.wasLent ? limits.serverIdleTimeoutMs : limits.loginIdleTimeoutMs;
      if (now - server.idleSince > idleTimeoutMs || now - server.openedAt > limits.serverLifetimeMs) {
        this.closeIdle(server);
      }
    }
    this.listener.closeUnused();
    return this.counted + this.pinned.size + this.listener.connections > 0;
  }

  /** Closes what nobody uses, now or as soon as it has come to rest: somebody wants the database to itself. */
  leaveDatabase(): void {
    for (const used of [this.recovering, this.leased, this.pinned.keys()]) {
      for (const server of used) server.isSuspect = true;
    }
    while (this.closeOneIdle());
  }

  /** Gives a connection back to Postgres that has been idle for so long; false when there is none. */
  closeOneIdle(idleMs = 0): boolean {
    const server = this.idle[0];
    if (server === undefined || this.context.clock.now() - server.idleSince < idleMs) return false;
    this.closeIdle(server);
    return true;
  }

  private closeIdle(server: ServerConnection): void {
    this.idle.splice(this.idle.indexOf(server), 1);
    this.giveUp(server);
  }

  private giveUp(server: ServerConnection): void {
    server.close(this.context.permits?.leaving(this));
    this.context.connectionClosed(this);
  }

  close(): void {
    for (const waiter of this.waiters) {
      this.waiters.remove(waiter);
      waiter.refused(this.context.shuttingDown(), true);
    }
    while (this.closeOneIdle());
    this.listener.close();
    for (const server of [...this.all()]) server.destroy();
  }

  private *all(): Iterable<ServerConnection> {
    yield* this.idle;
    yield* this.leased;
    yield* this.pinned.keys();
    yield* this.recovering;
  }

  describe(): string {
    return `${this.target.host}:${this.target.port}/${this.target.database}`;
  }

  stats(): PoolStats {
    const now = this.context.clock.now();
    return {
      target: this.describe(),
      user: this.identity.user,
      connecting: this.connector.connecting + this.connector.verifying,
      idle: this.idle.length,
      leased: this.leased.size,
      pinned: this.pinned.size,
      recovering: this.recovering.size,
      waiting: this.waiters.length,
      size: this.size,
      opened: this.connector.opened,
      faults: this.faults,
      pins: [...this.pinned.values()].map((pin) => ({
        session: pin.session,
        reasons: pin.reasons,
        sinceMs: now - pin.since,
      })),
    };
  }
}
