// One interactive transaction over HTTP: a session of the pool that is handed from request to request, turn by turn.
// Knows sessions, turns and time; what a request runs in its turn, and who may have one, is not its business.

import { GatewayError, type TransactionState } from '@postern/contract';
import type { ByteStream, Clock, Timer } from '@postern/pool';
import { callerGone } from './request-errors.ts';
import type { ConnectSession, SessionListener, SessionPort } from './session-port.ts';
import { createSessionStream } from './session-stream.ts';

export interface InteractiveTransactionOptions {
  readonly clock: Clock;
  /** Longest pause between two turns. */
  readonly idleTimeoutMs: number;
  /** From the first turn to the end. */
  readonly totalTimeoutMs: number;
  /** Requests that wait for their turn. */
  readonly maxWaitingRequests: number;
  /** Starts the session, in the first turn. */
  readonly open: (stream: ByteStream) => void;
  /** Called once, before anybody else hears of it. */
  readonly onOver: (fate: TransactionFate) => void;
}

/** Why a transaction is over: ended by a request, by its time limits, by Postgres or the gateway's own end. */
export type TransactionFate = 'ended' | 'expired' | 'left idle' | 'lost';

/** A request's turn. */
export interface TransactionTurn {
  /** Of the transaction now: what the turn has left behind, once it is over. */
  readonly state: TransactionState;
  /** Once. The turn lasts until the port is left. Whoever has the first turn must send BEGIN in it. */
  readonly connect: ConnectSession;
  /** Gives the turn back unused; of the first turn that is the end of the transaction. */
  skip(): void;
}

export interface InteractiveTransaction {
  readonly firstTurn: TransactionTurn;
  /** Resolves when it is this request's turn. `onAbort` registers what is to be done when its caller leaves. */
  enter(onAbort: (listener: (reason?: GatewayError) => void) => void): Promise<TransactionTurn>;
}

type State =
  | { readonly name: 'turn'; listener: SessionListener | undefined }
  | { readonly name: 'idle'; readonly timer: Timer }
  | { readonly name: 'over'; readonly fate: TransactionFate };

interface Waiting {
  readonly grant: (turn: TransactionTurn) => void;
  readonly refuse: (error: GatewayError) => void;
}

/** Of ReadyForQuery. */
const status = { idle: 0x49, open: 0x54, failed: 0x45 } as const;

export function startInteractiveTransaction(options: InteractiveTransactionOptions): InteractiveTransaction {
  const { clock, idleTimeoutMs, totalTimeoutMs, maxWaitingRequests } = options;
  const waiting: Waiting[] = [];
  const total = clock.after(totalTimeoutMs, () => finish('expired'));
  let state: State = { name: 'turn', listener: undefined };
  /** Of the last ReadyForQuery that ended a turn; undefined: the session has not been opened. */
  let ready: number | undefined;

  const stream = createSessionStream({
    // Notices between turns are nobody's.
    onBytes: (bytes) => listener()?.onBytes(bytes),
    onEnded: (error) => finish('lost', error),
    get bufferedBytes() {
      return listener()?.bufferedBytes ?? 0;
    },
  });

  function listener(): SessionListener | undefined {
    return state.name === 'turn' ? state.listener : undefined;
  }

  function startTurn(): TransactionTurn {
    const mine: State = { name: 'turn', listener: undefined };
    state = mine;
    const isMine = (): boolean => state === mine;
    const leave = (left: number | undefined): void => {
      if (!isMine()) return;
      mine.listener = undefined;
      // The turn's backlog goes with it: it may have paused Postgres, and the next turn has none that could drain.
      stream.drained();
      endTurn(left);
    };
    const port: SessionPort = {
      send(bytes) {
        if (isMine()) stream.send(bytes);
      },
      drained() {
        if (isMine()) stream.drained();
      },
      leave,
    };
    return {
      get state() {
        if (state.name === 'over') return 'over';
        return ready === status.failed ? 'failed' : 'open';
      },
      connect(request) {
        mine.listener = request;
        // Its time may have been up between the grant and this call.
        if (state.name === 'over') request.onEnded(fateError(state.fate));
        else if (ready === undefined) options.open(stream);
        return port;
      },
      skip: () => leave(ready),
    };
  }

  function endTurn(left: number | undefined): void {
    ready = left;
    if (left === undefined || left === status.idle) finish('ended');
    else {
      const next = waiting.shift();
      if (next !== undefined) next.grant(startTurn());
      else state = { name: 'idle', timer: clock.after(idleTimeoutMs, () => finish('left idle')) };
    }
  }

  /** The engine cancels what runs and rolls back what is open when a session is hung up. */
  function finish(fate: TransactionFate, error?: Error): void {
    if (state.name === 'over') return;
    const request = listener();
    total.cancel();
    if (state.name === 'idle') state.timer.cancel();
    state = { name: 'over', fate };
    stream.hangUp();
    options.onOver(fate);
    request?.onEnded(fate === 'lost' ? error : fateError(fate));
    for (const { refuse } of waiting.splice(0)) refuse(fateError(fate));
  }

  return {
    firstTurn: startTurn(),
    enter(onAbort) {
      if (state.name === 'over') return Promise.reject(fateError(state.fate));
      if (state.name === 'idle') {
        state.timer.cancel();
        return Promise.resolve(startTurn());
      }
      if (waiting.length >= maxWaitingRequests) {
        const message = `more than ${maxWaitingRequests} requests wait for their turn in the transaction`;
        return Promise.reject(new GatewayError('transaction_busy', message));
      }
      return new Promise((grant, refuse) => {
        const entry: Waiting = { grant, refuse };
        waiting.push(entry);
        onAbort((reason = callerGone()) => {
          const at = waiting.indexOf(entry);
          if (at < 0) return;
          waiting.splice(at, 1);
          refuse(reason);
        });
      });
    },
  };
}

/** What becomes of requests that come too late. */
export function fateError(fate: TransactionFate): GatewayError {
  switch (fate) {
    case 'ended':
      return new GatewayError('transaction_unknown', 'there is no open transaction with this token');
    case 'expired':
      return new GatewayError('transaction_expired', 'the transaction took longer than allowed and was rolled back');
    case 'left idle':
      return new GatewayError(
        'transaction_expired',
        'nothing was sent in the transaction for too long; it was rolled back',
      );
    case 'lost':
      return new GatewayError('server_connection_lost', 'the server connection of the transaction was lost', {
        hint: 'Postgres rolled the transaction back; begin it again.',
      });
  }
}
