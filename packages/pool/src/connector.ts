/**
 * Opens a pool's server connections: for those who wait, a few at a time, and again while Postgres cannot be reached.
 * Whom a connection is lent to is the pool's business.
 */
import { isFull, retryDelayMs } from './connect-retry.ts';
import { FinalDialError } from './errors.ts';
import { openConnection } from './open-connection.ts';
import type { ParameterSet } from './parameter-set.ts';
import type { Pool } from './pool.ts';
import { connectFailed, isPermanent, messageOf, roomHint } from './pool-errors.ts';
import { ServerConnection } from './server-connection.ts';

export class Connector {
  /** Connections under way that count against the pool's size. */
  connecting = 0;
  /** Logins under way that verify an identity. */
  verifying = 0;
  /** Connections made since the start. */
  opened = 0;
  /** Why the last attempt failed; undefined once one has succeeded again. */
  failure: unknown;
  private readonly pool: Pool;
  /** What the last fresh connection reported. */
  private defaults: ParameterSet | undefined;
  private failedAttempts = 0;
  private isRetryPlanned = false;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  openIfWanted(): void {
    const { pool } = this;
    const { context, waiters } = pool;
    while (
      waiters.length > this.connecting &&
      this.connecting < context.limits.maxConcurrentLogins &&
      pool.counted + pool.leaving < pool.quota &&
      !this.isRetryPlanned &&
      !context.isClosing
    ) {
      if (!context.mayConnect(pool)) return;
      this.open();
    }
    if (context.permits !== undefined && pool.lacking > 0 && pool.counted >= pool.quota) context.permits.needed(pool);
  }

  private open(): void {
    const { pool } = this;
    const { context } = pool;
    this.connecting++;
    this.connect(context.limits.loginTimeoutMs).then(
      (server) => {
        this.connecting--;
        pool.arrived(server);
      },
      (error: unknown) => {
        this.connecting--;
        this.failed(error);
        context.permits?.changed(pool);
      },
    );
  }

  /** See Pool.login. */
  async verify(timeoutMs: number): Promise<void> {
    const { pool } = this;
    const { permits } = pool.context;
    let server: ServerConnection | undefined;
    this.verifying++;
    if (permits !== undefined) pool.entering++;
    try {
      await permits?.enter(pool, timeoutMs);
      if (!pool.context.mayConnect(pool)) pool.closeOneIdle();
      server = await this.connect(timeoutMs);
    } finally {
      this.verifying--;
      if (permits !== undefined) pool.entering--;
      if (server !== undefined) pool.arrived(server);
      permits?.changed(pool);
    }
  }

  /** One attempt. Rejects as `openConnection` does. */
  async connect(timeoutMs: number): Promise<ServerConnection> {
    const { pool } = this;
    const { context } = pool;
    context.connectionOpened(pool);
    const { target, identity } = pool;
    // No parameters, so that RESET on the connection leads to the server's own defaults.
    const facts = await openConnection(context, { target, identity, parameters: [], timeoutMs }).catch(
      (error: unknown) => {
        context.connectionClosed(pool);
        throw error;
      },
    );
    const server = new ServerConnection(
      {
        facts,
        toServer: context.toServer,
        toCaller: context.toCaller,
        parameterSets: pool.parameterSets,
        turns: context.turns,
        maxMessageBytes: context.limits.maxMessageBytes,
        openedAt: context.clock.now(),
        onGone: (gone, fault) => pool.serverGone(gone, fault),
      },
      pool.labels.none,
    );
    this.opened++;
    // Other than before: another server by now, where start-ups come to something else.
    if (server.parameters !== this.defaults) pool.startups.clear();
    this.defaults = server.parameters;
    if (this.failedAttempts > 0) {
      this.failedAttempts = 0;
      this.failure = undefined;
      const now = context.clock.now();
      // The time Postgres was away does not count as waiting for the pool.
      for (const waiter of pool.waiters) waiter.waitingSince = now;
    }
    return server;
  }

  private failed(error: unknown): void {
    const { pool } = this;
    const { context, waiters } = pool;
    this.failedAttempts++;
    this.failure = error;
    if (isPermanent(error)) {
      for (const waiter of waiters) {
        waiters.remove(waiter);
        waiter.refused(connectFailed(error), true);
      }
      // That Postgres cannot be reached is no word about the role.
      if (!(error instanceof FinalDialError)) {
        context.log({
          event: 'server_login_refused',
          target: pool.describe(),
          // Opaque; for whoever remembers this identity as accepted.
          identity: pool.identity.id,
          error: messageOf(error),
        });
        return;
      }
    }
    if (this.failedAttempts === 1) {
      context.log({
        event: 'server_connect_failed',
        target: pool.describe(),
        error: messageOf(error),
        ...(isFull(error) ? { open: pool.counted, poolSize: pool.size, hint: roomHint } : {}),
      });
    }
    if (this.isRetryPlanned || waiters.length === 0) return;
    this.isRetryPlanned = true;
    context.clock.after(retryDelayMs(this.failedAttempts), () => {
      this.isRetryPlanned = false;
      this.openIfWanted();
    });
  }
}
