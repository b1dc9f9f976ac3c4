/**
 * Syncs that a caller sent inside the data of a COPY. While the copy goes on Postgres reads them without an answer; behind
 * the point where it failed each of them has one. Where that point was Postgres does not say, so it is asked something whose
 * answer is known, and what comes before that answer is counted (reference/pooling.md §2.7).
 */
import { encodeQuery, encodeSync } from '@postern/wire';
import { createErrand } from './errand.ts';
import { readyForQuery } from './error-message.ts';
import { Action } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';

const emptyQuery: Uint8Array = encodeQuery('');

/** The copy failed and nothing was sent behind it; `isExtended`: Postgres skips to a Sync unless one of those was it. */
export function countAnsweredSyncs(server: ServerConnection, session: PooledSession, isExtended: boolean): void {
  /** ReadyForQuery messages: of the Syncs, of a Sync of ours that ends the skipping, and of the Query. */
  let readies = isExtended ? -2 : -1;
  const errand = createErrand({
    ready() {
      session.forwarder.awaited = undefined;
      // Where all were read as part of the copy the caller's own Sync is still to come.
      if (isExtended && readies === 0) server.isSkipping = true;
      for (; readies > 0; readies--) session.give(readyForQuery(server.status));
      session.errandDone();
    },
    lost: () => {},
  });
  const counting: ReplySink = {
    ...errand,
    ready() {
      readies++;
      return false;
    },
  };
  session.forwarder.awaited = counting;
  if (isExtended) {
    server.isSkipping = false;
    server.send(encodeSync());
  }
  server.sendQuery(emptyQuery, counting, Action.Count);
}
