// How a request talks to a session, whether the session is its own (closed behind the one request) or that of an
// interactive transaction which outlives it (interactive-transaction.ts).

import type { ByteStream } from '@postern/pool';
import { createSessionStream } from './session-stream.ts';

/** What a request hears of its session. */
export interface SessionListener {
  /** Bytes of backend messages, borrowed: valid during the call only. */
  onBytes(bytes: Uint8Array): void;
  /** The session is over. Not called after `leave`. */
  onEnded(error: Error | undefined): void;
  /** Bytes made of the session's that wait for a slow caller: beyond the engine's limit Postgres is not read. */
  readonly bufferedBytes?: number;
}

/** A request's end of a session. */
export interface SessionPort {
  /** Sends frontend messages, waiting whenever the engine pauses. `bytes` are borrowed. */
  send(bytes: Uint8Array): void;
  /** The listener's backlog is gone. */
  drained(): void;
  /**
   * The request is done with the session. `status` is that of the ReadyForQuery that answered everything that was sent;
   * undefined: it gives up in the middle, so what runs is cancelled and what is open rolled back. The listener hears
   * nothing after it. Can be called twice, also from within `onBytes`. `hasFailed`: so did a statement.
   */
  leave(status: number | undefined, hasFailed?: boolean): void;
  /** Named statements the session has, by their text; absent: none can be kept. */
  readonly statements?: SessionStatements | undefined;
}

/** What a session that serves several requests remembers for them. */
export interface SessionStatements {
  /** The name of the statement, if the session has it. */
  get(text: string): string | undefined;
  /** A name for a statement it is about to have; undefined: it has enough. */
  add(text: string): string | undefined;
}

/** Takes the session. May call the listener before it returns. */
export type ConnectSession = (listener: SessionListener) => SessionPort;

/** A session for one request: `open` starts it, leaving closes it. */
export function connectOwnSession(open: (stream: ByteStream) => void): ConnectSession {
  return (listener) => {
    const stream = createSessionStream(listener);
    open(stream);
    return {
      send: (bytes) => stream.send(bytes),
      drained: () => stream.drained(),
      leave: () => stream.hangUp(),
    };
  };
}
