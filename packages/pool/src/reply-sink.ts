/** Who gets the answers of a server connection: a session, or one of the engine's own errands. */
import type { Action, Expect } from './reply-queue.ts';
import type { ServerConnection } from './server-connection.ts';
import type { TextFacts } from './text-facts.ts';

export interface ReplySink {
  /** Bytes of answers, borrowed. True when their very memory was kept. */
  receive(bytes: Uint8Array, start: number, end: number): boolean;
  /** One expected answer arrived. `bytes` hold the whole message, header included. */
  answered(server: ServerConnection, kind: Expect, ref: unknown, bytes: Uint8Array, start: number, end: number): void;
  /** CommandComplete or EmptyQueryResponse inside a Query, which does not end it. */
  completed(ref: unknown): void;
  /**
   * An expected answer will not come: its message failed (`isCause`) or was skipped because an earlier one did.
   * Called from the last skipped entry to the failed one.
   */
  revoked(server: ServerConnection, kind: Expect, ref: unknown, isCause: boolean): void;
  /** An ErrorResponse for this sink; true = give it out by `receive`. */
  failed(
    server: ServerConnection,
    kind: Expect,
    action: Action,
    ref: unknown,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean;
  /** A ReadyForQuery; true = give it out by `receive`. Called before it is; may give out bytes of its own first. */
  ready(server: ServerConnection, status: number, action: Action, ref: unknown): boolean;
  /** After `ready` and what it gave out: the moment to release the connection. */
  settled(server: ServerConnection): void;
  /** The server wants copy data; `voidSyncs` Syncs sent ahead of it will not be answered. */
  copyInStarted(server: ServerConnection, ref: unknown, voidSyncs: number): void;
  /** The copy from the caller failed, with Syncs inside (`server.syncsInCopy`) of which some may be answered yet. */
  copyInFailed(server: ServerConnection, kind: Expect): void;
  /** The server connection is gone while this sink was owed answers or held it. */
  lost(server: ServerConnection, fatal: Uint8Array | undefined): void;
  /** What is known of the one segment that runs on the lease of this holder, if others may join it. */
  shareableLease(server: ServerConnection): TextFacts | undefined;
  /** It is: the holder is one rider among others now. */
  share(server: ServerConnection): void;
  /** What it sent on a shared connection, none of it answered yet, is to be sent elsewhere: it will be answered to nobody. */
  moveOn(server: ServerConnection): void;
  /** To the holder: one of the engine's own errands is done. */
  errandAnswered(server: ServerConnection): void;
  /** The server takes bytes again. */
  serverDrained(server: ServerConnection): void;
}
