/**
 * A Postgres session played from the inside: statements in, rows in Prisma's values out. Statements are sent as they come
 * and answered in order. One per request, or one per interactive transaction.
 */
import { GatewayError, toGatewayError } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { type ResultValue, type ValueDecoder, valueDecoder } from '@postern/prisma-mapping';
import {
  BackendCode,
  commandRowCount,
  concatBytes,
  createMessageReader,
  databaseErrorFrom,
  decodeCommandComplete,
  decodeDataRow,
  decodeRowDescription,
  decodeText,
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '@postern/wire';
import { createSessionStream } from '../http/session-stream.ts';

export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly oid: number }[];
  readonly rows: readonly (readonly ResultValue[])[];
  /** Of the last command; 0 when it counts nothing. */
  readonly rowCount: number;
  /** How many commands the text was. */
  readonly commands: number;
}

export interface SqlSession {
  /**
   * `before` runs in the same segment, ahead of the statement, which does not run if it fails (BEGIN).
   * Rejects with the DatabaseError, or with what the session was aborted with.
   */
  query(sql: string, parameters: readonly (string | null)[], before?: string): Promise<SqlResult>;
  /** Statements that are not answered. */
  readonly pending: number;
  readonly isOpen: boolean;
  /** A new request: what its statements bring is counted from here. */
  startCounting(): void;
  /** Done with it. What still runs is cancelled and an open transaction rolled back. Can be called twice. */
  close(): void;
  /** The same, and everything pending or to come rejects with `error`. */
  abort(error: unknown): void;
}

export interface SqlSessionOptions {
  /** Starts the session on the stream. */
  readonly open: (stream: ByteStream) => void;
  /** Bytes of rows the statements of one request may bring together. */
  readonly maxRowBytes: number;
  /** Made when they bring more. */
  readonly tooLarge: () => Error;
}

interface Statement {
  /** CommandCompletes in front of its own: of what had to run before it. */
  toSkip: number;
  columns: SqlResult['columns'];
  decoders: ValueDecoder[];
  readonly rows: ResultValue[][];
  rowCount: number;
  commands: number;
  error: unknown;
  readonly resolve: (result: SqlResult) => void;
  readonly reject: (error: unknown) => void;
}

const describePortal = encodeDescribe('P', '');
const execute = encodeExecute();
const bindNothing = encodeBind();
const sync = encodeSync();

export function createSqlSession({ open, maxRowBytes, tooLarge }: SqlSessionOptions): SqlSession {
  const statements: Statement[] = [];
  let rowBytes = 0;
  /** Why there is no session any more. */
  let end: { readonly reason: unknown } | undefined;
  const reader = createMessageReader({ maxMessageBytes: maxRowBytes + 65_536, onMessage });
  const stream = createSessionStream({
    onBytes(bytes) {
      if (end !== undefined) return;
      try {
        reader.push(bytes);
      } catch (error) {
        abort(error);
      }
    },
    onEnded: (error) => finish(error === undefined ? sessionEnded() : toGatewayError(error)),
  });
  open(stream);

  function finish(reason: unknown): void {
    if (end !== undefined) return;
    end = { reason };
    // The first error that is known is the best: the end of a session often comes behind an ErrorResponse that says why.
    for (const statement of statements.splice(0)) statement.reject(statement.error ?? reason);
  }

  function abort(reason: unknown): void {
    finish(reason);
    stream.hangUp();
  }

  function onMessage(code: number, body: Uint8Array): void {
    const statement = statements[0];
    if (statement === undefined) return;
    switch (code) {
      case BackendCode.RowDescription: {
        const fields = decodeRowDescription(body);
        statement.columns = fields.map(({ name, dataTypeID }) => ({ name, oid: dataTypeID }));
        statement.decoders = fields.map(({ dataTypeID }) => valueDecoder(dataTypeID, { bytes: 'view' }));
        // Of several commands in one text, the last one's rows are the result.
        statement.rows.length = 0;
        break;
      }
      case BackendCode.DataRow:
        onRow(statement, body);
        break;
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
        if (statement.toSkip > 0) statement.toSkip--;
        else {
          statement.commands++;
          if (code === BackendCode.CommandComplete) {
            statement.rowCount = commandRowCount(decodeCommandComplete(body)).rowCount ?? 0;
          }
        }
        break;
      case BackendCode.ErrorResponse:
        statement.error ??= databaseErrorFrom(body);
        break;
      case BackendCode.CopyInResponse:
      case BackendCode.CopyOutResponse:
      case BackendCode.CopyBothResponse:
        abort(new GatewayError('unsupported_over_http', 'COPY and replication are not supported over HTTP'));
        break;
      case BackendCode.ReadyForQuery:
        settle(statement);
        break;
      default:
        // ParseComplete, BindComplete, NoData; notices, notifications and parameters have nobody to go to.
        break;
    }
  }

  function onRow(statement: Statement, body: Uint8Array): void {
    rowBytes += body.length;
    if (rowBytes > maxRowBytes) {
      abort(tooLarge());
      return;
    }
    const { decoders } = statement;
    const values = decodeDataRow(body);
    statement.rows.push(values.map((value, index) => (value === null ? null : decoders[index]!(decodeText(value)))));
  }

  function settle(statement: Statement): void {
    statements.shift();
    const { columns, rows, rowCount, commands, error } = statement;
    if (error === undefined) statement.resolve({ columns, rows, rowCount, commands });
    else statement.reject(error);
    // What came first did not run (no BEGIN): nothing else may run here either.
    if (error !== undefined && statement.toSkip > 0) abort(error);
  }

  return {
    query(sql, parameters, before) {
      if (end !== undefined) return Promise.reject(end.reason);
      let segment: Uint8Array;
      try {
        segment = encodeSegment(sql, parameters, before);
      } catch (error) {
        return Promise.reject(error);
      }
      return new Promise((resolve, reject) => {
        statements.push({
          toSkip: before === undefined ? 0 : 1,
          columns: [],
          decoders: [],
          rows: [],
          rowCount: 0,
          commands: 0,
          error: undefined,
          resolve,
          reject,
        });
        stream.send(segment);
      });
    },
    get pending() {
      return statements.length;
    },
    get isOpen() {
      return end === undefined;
    },
    startCounting() {
      rowBytes = 0;
    },
    close: () => abort(sessionEnded()),
    abort,
  };
}

/**
 * Without parameters the simple protocol, as node-postgres does: a text may then be several commands, which raw queries
 * rely on. Throws ProtocolError for a text that cannot be sent (NUL, too many parameters).
 */
function encodeSegment(sql: string, parameters: readonly (string | null)[], before: string | undefined): Uint8Array {
  if (parameters.length === 0 && before === undefined) return encodeQuery(sql);
  const first = before === undefined ? [] : [encodeParse('', before), bindNothing, execute];
  return concatBytes([...first, encodeParse('', sql), encodeBind({ parameters }), describePortal, execute, sync]);
}

function sessionEnded(): GatewayError {
  return new GatewayError('server_connection_lost', 'the session ended before the statement was answered');
}
