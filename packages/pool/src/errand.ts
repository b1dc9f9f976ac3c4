/** A ReplySink for the engine's own queries: what one does not care about does nothing. */
import type { ReplySink } from './reply-sink.ts';
import type { ServerConnection } from './server-connection.ts';

export interface Errand {
  receive?(bytes: Uint8Array, start: number, end: number): void;
  /** An ErrorResponse (whole message). It is also received. */
  failed?(bytes: Uint8Array, start: number, end: number): void;
  /** A ReadyForQuery with this status. */
  ready(server: ServerConnection, status: number): void;
  /** The connection went away first. */
  lost(server: ServerConnection): void;
}

/** For answers that nobody wants any more. */
export const nobody: ReplySink = createErrand({ ready() {}, lost() {} });

export function createErrand(errand: Errand): ReplySink {
  return {
    receive(bytes, start, end) {
      errand.receive?.(bytes, start, end);
      return false;
    },
    answered() {},
    completed() {},
    revoked() {},
    failed(_server, _kind, _action, _ref, bytes, start, end) {
      errand.failed?.(bytes, start, end);
      return errand.receive !== undefined;
    },
    ready() {
      return false;
    },
    settled(server) {
      errand.ready(server, server.status);
      server.holder?.errandAnswered(server);
    },
    copyInStarted() {},
    // Whose the copy was is gone: what comes unexpected ends the connection.
    copyInFailed() {},
    shareableLease: () => undefined,
    share() {},
    moveOn() {},
    errandAnswered() {},
    lost(server) {
      errand.lost(server);
    },
    serverDrained() {},
  };
}
