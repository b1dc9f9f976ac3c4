// One request played on one session: send the segment, turn the reply into the response body, byte for byte as it
// arrives. Knows nothing of HTTP.

import { GatewayError, type SqlRequestBody } from '@postern/contract';
import {
  BackendCode,
  concatBytes,
  createMessageReader,
  databaseErrorFrom,
  decodeCommandComplete,
  decodeDataRow,
  ProtocolError,
} from '@postern/wire';
import { createJsonWriter } from './json-writer.ts';
import { callerGone } from './request-errors.ts';
import { createResultWriter } from './result-writer.ts';
import type { ConnectSession, SessionPort } from './session-port.ts';
import { encodeRollback, type SegmentCommands } from './sql-segments.ts';
import { type ArrayType, decodeArrayType, encodeTypeLookup, type TypeCatalogue } from './type-catalogue.ts';

export interface SqlConversationOptions {
  readonly body: SqlRequestBody;
  /** What to send: the body's statements and the commands around them. Borrowed: it is sent within the call. */
  readonly segment: Uint8Array;
  readonly commands: SegmentCommands;
  readonly isRaw: boolean;
  /** Row shape of statements that do not say. */
  readonly isArrayMode: boolean;
  readonly catalogue: TypeCatalogue;
  readonly maxResponseBytes: number;
  readonly connect: ConnectSession;
}

export type SqlOutcome =
  | { readonly ok: true; readonly body: Uint8Array }
  /** `statementIndex`: of a batch only, when one of its statements (not BEGIN or COMMIT) is to blame. */
  | { readonly ok: false; readonly error: unknown; readonly statementIndex: number | undefined };

export interface SqlConversation {
  /** Never rejects. */
  readonly outcome: Promise<SqlOutcome>;
  /** Gives up: what runs is cancelled and rolled back. */
  abort(): void;
}

/** Where the conversation is; each phase ends with a ReadyForQuery. */
type Phase =
  | { readonly name: 'running' }
  /** The transaction that was to end with the request has failed, and is being ended. */
  | { readonly name: 'rolling back' }
  /** All results are recorded; the types in them are being looked up. */
  | { readonly name: 'looking up'; readonly arrays: ArrayType[] }
  /** The look-up failed: what is not known is written as strings, and not remembered. */
  | { readonly name: 'look-up failed' }
  | { readonly name: 'over' };

/** Results whose JSON must wait for the look-up: messages as they came, copied. */
interface Recording {
  readonly messages: { readonly code: number; readonly body: Uint8Array }[];
  bytes: number;
  readonly unknownTypes: Set<number>;
}

/** What a recorded message is taken to cost beside its bytes. */
const messageOverheadBytes = 64;
const failedTransaction = 0x45; // E

export function startSqlConversation(options: SqlConversationOptions): SqlConversation {
  const { body, commands, isRaw, isArrayMode, catalogue, maxResponseBytes } = options;
  const statements = body.kind === 'single' ? [body.statement] : body.statements;
  const first = commands.before === undefined ? 0 : 1;
  const expected = first + statements.length + (commands.after === undefined ? 0 : 1);
  const writer = createJsonWriter({ maxBytes: maxResponseBytes });
  const results = createResultWriter({ writer, isRaw, catalogue });
  const reader = createMessageReader({
    // Values in binary lengths can be longer than in JSON (`1` is five bytes in a DataRow), but not four times.
    maxMessageBytes: maxResponseBytes * 4 + 65_536,
    onMessage,
  });
  let port: SessionPort | undefined;
  /** Of the ReadyForQuery behind everything that was sent. */
  let ready: number | undefined;
  let phase: Phase = { name: 'running' };
  let recording: Recording | undefined;
  /** Statements completed; counts BEGIN and COMMIT. */
  let completed = 0;
  let failure: { readonly error: unknown; readonly statementIndex: number | undefined } | undefined;
  let settle: (outcome: SqlOutcome) => void;
  const outcome = new Promise<SqlOutcome>((resolve) => {
    settle = resolve;
  });

  /** Index of the statement whose reply is arriving; outside the list for BEGIN and COMMIT. */
  const current = (): number => completed - first;

  function finish(result: SqlOutcome): void {
    if (phase.name === 'over') return;
    phase = { name: 'over' };
    port?.leave(ready);
    settle(result);
  }

  /** The first error is the answer; what follows from it is not. */
  function finishWith(error: unknown): void {
    finish({ ok: false, ...(failure ?? { error, statementIndex: undefined }) });
  }

  function onBytes(bytes: Uint8Array): void {
    try {
      if (phase.name !== 'over') reader.push(bytes);
    } catch (error) {
      // Cannot go on: the result does not fit, or the bytes make no sense. Hanging up cancels what still runs.
      const isTooLong = error instanceof ProtocolError && error.code === '54000';
      finishWith(
        isTooLong
          ? new GatewayError('response_too_large', `response is too large (max is ${maxResponseBytes} bytes)`)
          : error,
      );
    }
  }

  function onMessage(code: number, message: Uint8Array): void {
    switch (code) {
      case BackendCode.DataRow:
      case BackendCode.RowDescription:
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
        if (phase.name === 'running') onResult(code, message);
        else if (phase.name === 'looking up' && code === BackendCode.DataRow) {
          phase.arrays.push(decodeArrayType(decodeDataRow(message)));
        }
        break;
      case BackendCode.ErrorResponse:
        if (phase.name === 'running') fail(databaseErrorFrom(message));
        else if (phase.name === 'looking up') phase = { name: 'look-up failed' };
        break;
      case BackendCode.ReadyForQuery:
        onReady(message[0]!);
        break;
      case BackendCode.CopyInResponse:
      case BackendCode.CopyOutResponse:
      case BackendCode.CopyBothResponse:
        fail(new GatewayError('unsupported_over_http', 'COPY and replication are not supported over HTTP'));
        finishWith(undefined);
        break;
      default:
        // ParseComplete, BindComplete, NoData: nothing to say. Notices, notifications, parameters: nobody to tell.
        break;
    }
  }

  function onResult(code: number, message: Uint8Array): void {
    const index = current();
    const isOurs = index >= 0 && index < statements.length;
    const isEnd = code === BackendCode.CommandComplete || code === BackendCode.EmptyQueryResponse;
    if (isOurs && failure === undefined) {
      if (recording === undefined && code === BackendCode.RowDescription) {
        const unknown = results.unknownTypes(message);
        if (unknown.length > 0) recording = { messages: [], bytes: 0, unknownTypes: new Set() };
      }
      if (recording === undefined) writeResult(index, code, message);
      else record(recording, code, message);
    }
    if (index === statements.length && code === BackendCode.CommandComplete) checkCommit(message);
    if (isEnd) completed++;
  }

  /** Postgres takes COMMIT of a failed transaction for ROLLBACK, without an error. */
  function checkCommit(message: Uint8Array): void {
    if (commands.after !== 'COMMIT' || decodeCommandComplete(message) === 'COMMIT') return;
    fail(new GatewayError('transaction_failed', 'the transaction had failed, so Postgres rolled it back'));
  }

  let begun = -1;
  function writeResult(index: number, code: number, message: Uint8Array): void {
    if (begun < index) {
      begun = index;
      if (body.kind === 'batch') writer.raw(index === 0 ? batchStart : comma);
      results.begin(statements[index]!.arrayMode ?? isArrayMode);
    }
    if (code === BackendCode.DataRow) results.dataRow(message);
    else if (code === BackendCode.RowDescription) results.rowDescription(message);
    else if (code === BackendCode.CommandComplete) results.complete(message);
    else results.completeEmpty();
  }

  function record(to: Recording, code: number, message: Uint8Array): void {
    if (code === BackendCode.RowDescription) for (const oid of results.unknownTypes(message)) to.unknownTypes.add(oid);
    to.bytes += message.length + messageOverheadBytes;
    if (to.bytes > maxResponseBytes * 4) {
      throw new GatewayError('response_too_large', `response is too large (max is ${maxResponseBytes} bytes)`);
    }
    to.messages.push({ code, body: message.slice() });
  }

  function fail(error: unknown): void {
    const index = current();
    const isStatement = body.kind === 'batch' && index >= 0 && index < statements.length;
    failure ??= { error, statementIndex: isStatement ? index : undefined };
  }

  function mustEnd(status: number): boolean {
    return status === failedTransaction && commands.after !== undefined && phase.name === 'running';
  }

  function send(bytes: Uint8Array): void {
    ready = undefined;
    port?.send(bytes);
  }

  function onReady(status: number): void {
    ready = status;
    if (phase.name === 'looking up' || phase.name === 'look-up failed') {
      if (phase.name === 'looking up') catalogue.learn(recording!.unknownTypes, phase.arrays);
      replay(recording!);
    } else if (failure !== undefined && mustEnd(status)) {
      phase = { name: 'rolling back' };
      send(encodeRollback());
    } else if (failure !== undefined) {
      finishWith(undefined);
    } else if (completed !== expected) {
      ready = undefined;
      throw new ProtocolError(`ReadyForQuery after ${completed} of ${expected} statements`);
    } else if (recording !== undefined) {
      phase = { name: 'looking up', arrays: [] };
      send(concatBytes(encodeTypeLookup(recording.unknownTypes)));
    } else {
      succeed();
    }
  }

  function replay({ messages }: Recording): void {
    let index = begun + 1;
    for (const { code, body: message } of messages) {
      writeResult(index, code, message);
      if (code === BackendCode.CommandComplete || code === BackendCode.EmptyQueryResponse) index++;
    }
    succeed();
  }

  function succeed(): void {
    if (body.kind === 'batch') {
      if (begun < 0) writer.raw(batchStart);
      writer.raw(batchEnd);
    }
    finish({ ok: true, body: writer.finish() });
  }

  try {
    port = options.connect({ onBytes, onEnded: (error) => finishWith(error ?? sessionEnded()) });
    // It may have ended within the call.
    if (isOver()) port.leave(undefined);
    else send(options.segment);
  } catch (error) {
    finishWith(error);
  }

  function isOver(): boolean {
    return phase.name === 'over';
  }

  return { outcome, abort: () => finishWith(callerGone()) };
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const batchStart = ascii('{"results":[');
const batchEnd = ascii(']}');
const comma = ascii(',');

function sessionEnded(): GatewayError {
  return new GatewayError('server_connection_lost', 'the session ended before the statement was answered');
}
