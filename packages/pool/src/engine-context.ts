/** What the parts of the engine share: its limits, its seams and its outgoing bytes. */
import type { DatabaseError } from '@postern/wire';
import type { SpareBuffers } from './byte-buffer.ts';
import type { Cancellable } from './cancel-request.ts';
import type { Clock } from './clock.ts';
import type { PoolError } from './errors.ts';
import type { Dial, Identity, Target } from './identity.ts';
import type { EngineLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import type { PermitLedger } from './permit-ledger.ts';
import type { Pool } from './pool.ts';
import type { SendBatches } from './send-batches.ts';
import type { Turns } from './turns.ts';

/** Something an operator may want to know. Never holds a secret. */
export interface EngineEvent {
  readonly event: string;
  readonly [detail: string]: string | number | boolean | readonly string[] | undefined;
}

export interface EngineContext {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly toServer: SendBatches;
  readonly toCaller: Outbox;
  /** For segments that may have to be repeated, one at a time and session. */
  readonly spareBuffers: SpareBuffers;
  readonly isClosing: boolean;
  /** Where several processes share one budget of server connections; undefined: this one has it to itself. */
  readonly permits: PermitLedger | undefined;
  log(event: EngineEvent): void;
  random(bytes: number): Uint8Array;
  readonly turns: Turns;
  /** The pool has waiters: their time limits are looked after until it has none. */
  watchWaiters(pool: Pool): void;
  /** Whether the target's budget of server connections has room; makes room by closing an idle one elsewhere. */
  mayConnect(pool: Pool): boolean;
  /** Whether the target has more server connections than its budget allows: a login to verify somebody may exceed it. */
  isOverBudget(pool: Pool): boolean;
  /** Postgres refused a connection for want of room: closes an idle one that takes it up, if there is one. */
  serverIsFull(target: Target, identity: Identity, refusal: DatabaseError): void;
  connectionOpened(pool: Pool): void;
  connectionClosed(pool: Pool): void;
  /** Closes the idle connections to other databases of the pool's target. */
  closeIdleElsewhere(pool: Pool): void;
  /** DDL in the pool's database is about to run, or its transaction is over: whoever has it done. */
  schemaChanged(pool: Pool): void;
  /** Sends a CancelRequest for what runs on `server`; resolves when it has been dealt with, rejects if Postgres cannot be reached. */
  cancelOnServer(target: Target, server: Cancellable): Promise<void>;
  shuttingDown(): PoolError;
}
