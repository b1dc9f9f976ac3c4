// One statement played on one session, its rows sent on as they come. Memory stays flat: when the caller is slow, the
// engine stops reading from Postgres. Knows nothing of HTTP.

import { GatewayError, type RowStreamEnd, type SqlErrorBody, type TransactionState } from '@postern/contract';
import type { Clock, Timer } from '@postern/pool';
import {
  BackendCode,
  commandRowCount,
  createMessageReader,
  databaseErrorFrom,
  decodeCommandComplete,
  ProtocolError,
} from '@postern/wire';
import { copyUnsupported } from './copy-statement.ts';
import { callerGone, sessionEnded } from './request-errors.ts';
import { createRowStreamWriter } from './row-stream-writer.ts';
import type { ConnectSession, SessionPort } from './session-port.ts';
import { encodeRollback, type SegmentCommands } from './sql-segments.ts';
import type { BodySink, StreamedBody } from './streamed-body.ts';
import { fateOf, type TransactionFate, withFate } from './transaction-fate.ts';

export interface SqlStreamOptions {
  /** The segment to send: one statement and the commands around it. Borrowed. */
  readonly segment: Uint8Array;
  readonly commands: SegmentCommands;
  readonly connect: ConnectSession;
  /** Most bytes of a row as Postgres sends it. */
  readonly maxRowBytes: number;
  readonly clock: Clock;
  /** A caller that takes nothing for so long is dropped: it holds a server connection. */
  readonly stallTimeoutMs: number;
  readonly errorBody: (error: unknown) => SqlErrorBody;
  /** Of the transaction the statement runs in, asked for when the session has been left. */
  readonly transactionState: () => TransactionState | undefined;
}

export type SqlStreamStart =
  | { readonly ok: true; readonly body: StreamedBody; readonly finished: Promise<SqlStreamEnd> }
  | { readonly ok: false; readonly error: unknown };

/** For the log. */
export interface SqlStreamEnd {
  readonly error: unknown;
  readonly bytes: number;
}

export interface SqlStream {
  /** Never rejects: the first row, the end of a statement without rows, or what went wrong before either. */
  readonly start: Promise<SqlStreamStart>;
  /** Gives up: what runs is cancelled and rolled back. `reason`: for a caller that is still there. */
  abort(reason?: GatewayError): void;
}

/** `head`: nothing can be sent yet. `rows`: the response has begun. `over`: all is written, or given up. */
type Phase = 'head' | 'rows' | 'over';

const failedStatus = 0x45; // E

export function startSqlStream(options: SqlStreamOptions): SqlStream {
  const { commands, maxRowBytes, clock, stallTimeoutMs } = options;
  const writer = createRowStreamWriter({ maxRowBytes });
  const reader = createMessageReader({ maxMessageBytes: maxRowBytes, onMessage, onDataRow });
  let phase: Phase = 'head';
  let isRollingBack = false;
  /** Statements completed, BEGIN among them. */
  let completed = commands.before === undefined ? 0 : -1;
  let tag: string | undefined;
  let failure: { readonly error: unknown } | undefined;
  /** Postgres undid what the statement did. */
  let isUndone = false;
  /** Of the ReadyForQuery behind everything that was sent. */
  let ready: number | undefined;
  let port: SessionPort | undefined;
  let sink: BodySink | undefined;
  /** Pieces made before there was a sink. */
  let early: Uint8Array[] = [];
  let earlyBytes = 0;
  let bytesWritten = 0;
  let stall: Timer | undefined;
  let begin: (start: SqlStreamStart) => void;
  let finish: (end: SqlStreamEnd) => void;
  const start = new Promise<SqlStreamStart>((resolve) => {
    begin = resolve;
  });
  const finished = new Promise<SqlStreamEnd>((resolve) => {
    finish = resolve;
  });

  function onBytes(bytes: Uint8Array): void {
    try {
      if (phase === 'over') return;
      writer.expect(bytes.length);
      reader.push(bytes);
      flush();
    } catch (error) {
      const isTooLong = error instanceof ProtocolError && error.code === '54000';
      failure ??= {
        error: isTooLong
          ? new GatewayError('response_too_large', `a row is too large (max is ${maxRowBytes} bytes)`)
          : error,
      };
      end(undefined);
    }
  }

  /** What arrives is of the one statement, and it has not failed. */
  function isWanted(): boolean {
    return completed === 0 && failure === undefined && !isRollingBack;
  }

  function onDataRow(bytes: Uint8Array, start: number, end: number): void {
    if (phase === 'over' || !isWanted()) return;
    writer.row(bytes, start, end);
    if (phase === 'head') beginBody();
  }

  function onMessage(code: number, body: Uint8Array): void {
    if (phase === 'over') return;
    const isOurs = isWanted();
    switch (code) {
      case BackendCode.RowDescription:
        if (isOurs) writer.head(body);
        break;
      case BackendCode.NoData:
        if (isOurs) writer.headOfNothing();
        break;
      case BackendCode.CommandComplete:
        if (isOurs) tag = decodeCommandComplete(body);
        completed++;
        break;
      case BackendCode.EmptyQueryResponse:
        if (isOurs) tag = '';
        completed++;
        break;
      case BackendCode.ErrorResponse:
        isUndone = true;
        failure ??= { error: databaseErrorFrom(body) };
        break;
      case BackendCode.CopyInResponse:
      case BackendCode.CopyBothResponse:
        // Waits for the caller's data, and fails without.
        isUndone = true;
        end(copyUnsupported());
        break;
      case BackendCode.CopyOutResponse:
        // What is committed meanwhile is waited for; else hanging up cancels it.
        failure ??= { error: copyUnsupported() };
        if (!commands.isCommitting) end(undefined);
        break;
      case BackendCode.ReadyForQuery:
        onReady(body[0]!);
        break;
      default:
        break;
    }
  }

  function onReady(status: number): void {
    if (failure !== undefined && status === failedStatus && commands.after !== undefined && !isRollingBack) {
      isRollingBack = true;
      port?.send(encodeRollback());
      return;
    }
    ready = status;
    end(failure?.error);
  }

  /** Gives the session back, then says how it was. */
  function end(error: unknown): void {
    if (phase === 'over') return;
    const hasBegun = phase === 'rows';
    phase = 'over';
    port?.leave(ready);
    const cause = withFate(failure?.error ?? error, fate());
    if (cause !== undefined && !hasBegun) {
      begin({ ok: false, error: cause });
      return;
    }
    const state = options.transactionState();
    const transaction = state === undefined ? {} : { transaction: state };
    const last: RowStreamEnd =
      cause === undefined
        ? { ...commandRowCount(tag ?? ''), ...transaction }
        : { error: options.errorBody(cause), ...transaction };
    writer.end(last);
    send(writer.take());
    sink?.end();
    stall?.cancel();
    if (!hasBegun) begin({ ok: true, body, finished });
    finish({ error: cause, bytes: bytesWritten });
  }

  function fate(): TransactionFate {
    return fateOf({ isCommitting: commands.isCommitting, isUndone, isOurFailure: failure !== undefined, ready });
  }

  function beginBody(): void {
    phase = 'rows';
    begin({ ok: true, body, finished });
  }

  function flush(): void {
    if (phase === 'rows') send(writer.take());
  }

  function send(piece: Uint8Array): void {
    if (piece.length === 0) return;
    bytesWritten += piece.length;
    if (sink === undefined) {
      early.push(piece);
      earlyBytes += piece.length;
    } else if (!sink.write(piece)) watch(sink);
  }

  /** Notices when nothing at all is taken any more. */
  function watch(slow: BodySink): void {
    if (stall !== undefined || phase === 'over') return;
    const taken = bytesWritten - slow.bufferedBytes;
    stall = clock.after(stallTimeoutMs, () => {
      stall = undefined;
      if (bytesWritten - slow.bufferedBytes > taken) watch(slow);
      else giveUp(new GatewayError('query_cancelled', `the caller took nothing for ${stallTimeoutMs / 1000} s`));
    });
  }

  /** Nobody reads what would be written. */
  function giveUp(error: GatewayError): void {
    if (phase === 'over') return;
    const hasBegun = phase === 'rows';
    phase = 'over';
    stall?.cancel();
    port?.leave(undefined);
    early = [];
    if (hasBegun) {
      sink?.destroy();
      finish({ error, bytes: bytesWritten });
    } else begin({ ok: false, error });
  }

  const body: StreamedBody = {
    start(to) {
      sink = to;
      let isTaken = true;
      for (const piece of early) isTaken = to.write(piece);
      early = [];
      earlyBytes = 0;
      if (phase === 'over') to.end();
      else if (isTaken) port?.drained();
      else watch(to);
    },
    drained() {
      stall?.cancel();
      stall = undefined;
      if (phase !== 'over') port?.drained();
    },
    abandon: () => giveUp(callerGone()),
  };

  try {
    port = options.connect({
      onBytes,
      onEnded: (error) => end(error ?? sessionEnded()),
      get bufferedBytes() {
        return sink === undefined ? earlyBytes : sink.bufferedBytes;
      },
    });
    // It may have ended within the call.
    if (isOver()) port.leave(undefined);
    else port.send(options.segment);
  } catch (error) {
    end(error);
  }

  function isOver(): boolean {
    return phase === 'over';
  }

  return {
    start,
    abort(reason) {
      if (reason === undefined) giveUp(callerGone());
      else {
        failure ??= { error: reason };
        end(undefined);
      }
    },
  };
}
