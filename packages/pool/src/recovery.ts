/**
 * Brings a server connection that its session abandoned back to an idle, quiet state: cancel what runs, end a copy, roll
 * back what is open. What was never synced is never completed by a Sync of ours: Postgres would commit it (§2.9).
 */
import { encodeCopyFail, encodeQuery, encodeSync } from '@postern/wire';
import type { EngineContext } from './engine-context.ts';
import { createErrand } from './errand.ts';
import type { Target } from './identity.ts';
import type { Label } from './label.ts';
import { Action, Expect } from './reply-queue.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';

const rollback: Uint8Array = encodeQuery('ROLLBACK');
const deallocateAll: Uint8Array = encodeQuery('DEALLOCATE ALL');

/** Calls `done` once; false means the connection must be closed. */
export function recover(
  context: EngineContext,
  target: Target,
  server: ServerConnection,
  clean: Label,
  done: (isUsable: boolean) => void,
): void {
  let isDone = false;
  const timer = context.clock.after(context.limits.recoveryTimeoutMs, () => finish(false));
  const errand = createErrand({
    ready: () => {
      if (server.owed.length > 0) return;
      if (server.isQuiet && server.status === TransactionStatus.Idle && server.cancelsInFlight === 0) {
        if (context.limits.serverReset === 'never') finish(true);
        else reset();
      } else finish(false);
    },
    lost: () => finish(false),
  });

  /** At once, not when the connection is used again: others may be waiting for an advisory lock it holds. */
  function reset(): void {
    let hasFailed = false;
    const failed = (): void => {
      hasFailed = true;
    };
    if (server.mayHaveStrangeStatements) {
      server.sendQuery(deallocateAll, createErrand({ failed, ready() {}, lost() {} }));
      server.prepared.clear();
      server.mayHaveStrangeStatements = false;
    }
    server.sendQuery(
      clean.resetQuery,
      createErrand({
        failed,
        ready: () => {
          if (!hasFailed) {
            server.label = clean;
            server.isDirty = false;
          }
          finish(!hasFailed && server.isQuiet && server.status === TransactionStatus.Idle);
        },
        lost: () => finish(false),
      }),
    );
  }

  function finish(isUsable: boolean): void {
    if (isDone) return;
    isDone = true;
    timer.cancel();
    done(isUsable);
  }

  function rollBack(): void {
    if (isDone || server.isGone) return;
    if (server.cancelsInFlight > 0) {
      // Not before it is over: it could hit the ROLLBACK itself.
      context.clock.after(5, rollBack);
      return;
    }
    // Where Postgres is already skipping to a Sync the transaction is lost anyway, and a Query would get no answer.
    // Where it is not known yet, an error takes the Query's expectation away and the Sync answers alone.
    if (!server.isSkipping) server.sendQuery(rollback, errand);
    server.isSkipping = false;
    server.send(encodeSync());
    server.expect(Expect.Sync, Action.Swallow, errand, undefined);
  }

  server.holder = errand;
  // How many of the Syncs in a copy are answered is not known before it has ended.
  if (server.isMidMessage || server.syncsInCopy > 0) {
    finish(false);
    return;
  }
  server.send(encodeCopyFail('the caller disconnected'));
  if (server.owed.length === 0) rollBack();
  else {
    // A copy may yet begin: what is sent behind its end is answered.
    server.expect(Expect.CopyEnd, Action.Swallow, errand, undefined);
    context.cancelOnServer(target, server).then(rollBack, () => finish(false));
  }
}
