// For tests: a SqlBackend whose Postgres is a script. Every segment (up to a Sync or Query) is answered with the next
// list of messages.

import { passwordAuthenticationFailed } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import {
  concatBytes,
  createMessageReader,
  decodeBind,
  decodeParse,
  decodeQuery,
  decodeText,
  encodeBindComplete,
  encodeCommandComplete,
  encodeDataRow,
  encodeNoData,
  encodeParseComplete,
  encodeReadyForQuery,
  encodeRowDescription,
  FrontendCode,
} from '@postern/wire';
import type { AuthenticatedCaller, SqlBackend, SqlCredentials, SqlSessionOptions } from './sql-backend.ts';

/** One segment as the script sees it. */
export interface SeenSegment {
  /** Texts of Parse and Query messages. */
  readonly sql: readonly string[];
  /** Parameters of each Bind. */
  readonly parameters: readonly (readonly (string | null)[])[];
  /** Message type bytes. */
  readonly codes: string;
}

export interface ScriptedBackend extends SqlBackend {
  /** What was asked, in order. */
  readonly segments: SeenSegment[];
  readonly credentials: SqlCredentials[];
  readonly sessions: SqlSessionOptions[];
  /** The frontend's end of the latest session; writing to it is the server speaking. */
  stream: ByteStream | undefined;
  /** Sessions the frontend has left. */
  closed: number;
}

export interface Script {
  /** Answers by segment; `undefined` stays silent. Further segments get no answer. */
  readonly answers?: readonly (readonly Uint8Array[] | undefined)[];
  /** How the answer's bytes are cut: sizes of the pieces, the last for the rest. Default: one piece. */
  readonly pieceBytes?: number;
  readonly authenticate?: (credentials: SqlCredentials) => Promise<AuthenticatedCaller>;
}

/** Wrong passwords are refused; the right one is `p`. */
export function createScriptedBackend(script: Script = {}): ScriptedBackend {
  const { answers = [], pieceBytes, authenticate = acceptPassword } = script;
  let next = 0;
  const backend: ScriptedBackend = {
    segments: [],
    credentials: [],
    sessions: [],
    stream: undefined,
    closed: 0,
    async authenticate(credentials) {
      backend.credentials.push(credentials);
      return authenticate(credentials);
    },
    openSession(_caller, stream, options) {
      backend.sessions.push(options);
      backend.stream = stream;
      stream.onClose = () => {
        backend.closed++;
      };
      const reader = createSegmentReader((segment) => {
        backend.segments.push(segment);
        const answer = answers[next++];
        // Later, as a real server would.
        if (answer) setImmediate(() => writeInPieces(stream, concatBytes(answer), pieceBytes));
      });
      stream.onData = (bytes) => {
        reader(bytes);
        return undefined;
      };
    },
  };
  return backend;
}

async function acceptPassword(credentials: SqlCredentials): Promise<AuthenticatedCaller> {
  if (credentials.password !== 'p') throw passwordAuthenticationFailed(credentials.user);
  const databaseKey = `${credentials.host}/${credentials.database}`;
  return { databaseKey, callerKey: `${databaseKey}/${credentials.user}` };
}

function createSegmentReader(onSegment: (segment: SeenSegment) => void): (bytes: Uint8Array) => void {
  let sql: string[] = [];
  let parameters: (string | null)[][] = [];
  let codes = '';
  const reader = createMessageReader({
    maxMessageBytes: 1 << 30,
    onMessage(code, body) {
      codes += String.fromCharCode(code);
      if (code === FrontendCode.Parse) sql.push(decodeParse(body).text);
      if (code === FrontendCode.Query) sql.push(decodeQuery(body));
      if (code === FrontendCode.Bind) {
        parameters.push(decodeBind(body).parameters.map((value) => (value === null ? null : decodeText(value))));
      }
      if (code !== FrontendCode.Sync && code !== FrontendCode.Query) return;
      const segment = { sql, parameters, codes };
      sql = [];
      parameters = [];
      codes = '';
      onSegment(segment);
    },
  });
  return (bytes) => reader.push(bytes);
}

/** Each piece in memory that is overwritten right after: bytes on a stream are borrowed. */
function writeInPieces(stream: ByteStream, bytes: Uint8Array, pieceBytes: number = bytes.length): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.slice(at, at + pieceBytes);
    stream.write(piece);
    piece.fill(0xee);
  }
}

const utf8 = new TextEncoder();

/** Server messages for one statement with rows, without ReadyForQuery. */
export function resultMessages(
  columns: readonly (readonly [name: string, typeOid: number])[],
  rows: readonly (readonly (string | null)[])[],
  tag: string = `SELECT ${rows.length}`,
): Uint8Array[] {
  return [
    encodeParseComplete(),
    encodeBindComplete(),
    encodeRowDescription(columns.map(([name, dataTypeID]) => ({ name, dataTypeID }))),
    ...rows.map((row) => encodeDataRow(row.map((value) => (value === null ? null : utf8.encode(value))))),
    encodeCommandComplete(tag),
  ];
}

/** Server messages for one statement without rows. */
export function commandMessages(tag: string): Uint8Array[] {
  return [encodeParseComplete(), encodeBindComplete(), encodeNoData(), encodeCommandComplete(tag)];
}

export const ready: Uint8Array = encodeReadyForQuery('I');
export const readyFailed: Uint8Array = encodeReadyForQuery('E');
