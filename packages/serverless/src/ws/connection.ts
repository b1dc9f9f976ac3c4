/**
 * The Postgres protocol as events and methods, under node-postgres' names: what is submitted to a client (a query, a cursor
 * of pg-cursor) talks to this. Writes of one turn go out together.
 */
import { DatabaseError } from '../pg/database-error.ts';
import type { ErrorDetails } from '../postern-error.ts';
import { prepareValue } from '../values/parameter.ts';
import type { FieldDef } from '../values/rows.ts';
import { Emitter } from './emitter.ts';
import { concat, decodeText, encodeText, int16, int32, packet, Reader, value } from './packet.ts';

export interface ParseConfig {
  readonly name?: string | undefined;
  readonly text: string;
  readonly types?: readonly number[] | undefined;
}

export interface BindConfig {
  readonly portal?: string | undefined;
  readonly statement?: string | undefined;
  readonly values?: readonly unknown[] | null | undefined;
  readonly binary?: boolean | undefined;
  readonly valueMapper?: ((value: unknown) => unknown) | undefined;
}

/** What a message of the backend turned into; `name` is the event. */
export type BackendMessage =
  | { readonly name: 'authentication'; readonly method: number; readonly data: Uint8Array }
  | { readonly name: 'backendKeyData'; readonly processID: number; readonly secretKey: Uint8Array }
  | { readonly name: 'parameterStatus'; readonly parameterName: string; readonly parameterValue: string }
  | { readonly name: 'readyForQuery'; readonly status: string }
  | { readonly name: 'rowDescription'; readonly fields: FieldDef[] }
  | { readonly name: 'dataRow'; readonly fields: (string | Uint8Array | null)[] }
  | { readonly name: 'commandComplete'; readonly text: string }
  | { readonly name: 'errorMessage'; readonly error: DatabaseError }
  | { readonly name: 'notice'; readonly notice: DatabaseError }
  | { readonly name: 'notification'; readonly processId: number; readonly channel: string; readonly payload: string }
  | { readonly name: 'copyData'; readonly chunk: Uint8Array }
  | { readonly name: BareMessage };

type BareMessage = (typeof bareMessages)[keyof typeof bareMessages];

const bareMessages = {
  '1': 'parseComplete',
  '2': 'bindComplete',
  '3': 'closeComplete',
  n: 'noData',
  s: 'portalSuspended',
  I: 'emptyQuery',
  G: 'copyInResponse',
  H: 'copyOutResponse',
  W: 'copyBothResponse',
  c: 'copyDone',
} as const;

const fieldNames: Readonly<Record<string, keyof ErrorDetails>> = {
  S: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internalPosition',
  q: 'internalQuery',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
};
/** Postgres rolled back for a reason that may be gone, or never began (see @postern/wire's DatabaseError). */
const retryableCodes = /^(40001|40P01|53300|57P03)$/;

function readError(reader: Reader, length: number, name: string): DatabaseError {
  const fields: Record<string, string> = {};
  let message = '';
  for (let code = reader.byte(); code !== 0; code = reader.byte()) {
    const letter = String.fromCharCode(code);
    const text = reader.text();
    if (letter === 'M') message = text;
    else fields[fieldNames[letter] ?? ''] = text;
  }
  delete fields[''];
  return new DatabaseError(message, length, name, { ...fields, safeToRetry: retryableCodes.test(fields.code ?? '') });
}

/** Reads one message; undefined for types nobody knows, which a client may ignore. Copies what it keeps. */
export function readMessage(type: string, body: Uint8Array, formats: readonly string[]): BackendMessage | undefined {
  const reader = new Reader(body);
  switch (type) {
    case 'D': {
      const fields: (string | Uint8Array | null)[] = [];
      for (let count = reader.int16(), index = 0; index < count; index++) {
        const length = reader.int32();
        const bytes = length < 0 ? null : reader.bytes(length);
        fields.push(bytes && (formats[index] === 'binary' ? bytes.slice() : decodeText(bytes)));
      }
      return { name: 'dataRow', fields };
    }
    case 'C':
      return { name: 'commandComplete', text: reader.text() };
    case 'Z':
      return { name: 'readyForQuery', status: String.fromCharCode(reader.byte()) };
    case 'T':
      return { name: 'rowDescription', fields: Array.from({ length: reader.int16() }, () => readField(reader)) };
    case 'E':
      return { name: 'errorMessage', error: readError(reader, body.length + 4, 'error') };
    case 'N':
      return { name: 'notice', notice: readError(reader, body.length + 4, 'notice') };
    case 'A':
      return { name: 'notification', processId: reader.int32(), channel: reader.text(), payload: reader.text() };
    case 'S':
      return { name: 'parameterStatus', parameterName: reader.text(), parameterValue: reader.text() };
    case 'K':
      return { name: 'backendKeyData', processID: reader.int32(), secretKey: reader.bytes().slice() };
    case 'R':
      return { name: 'authentication', method: reader.int32(), data: reader.bytes().slice() };
    case 'd':
      return { name: 'copyData', chunk: body.slice() };
    default: {
      const name = bareMessages[type as keyof typeof bareMessages];
      return name && { name };
    }
  }
}

function readField(reader: Reader): FieldDef {
  return {
    name: reader.text(),
    tableID: reader.int32() >>> 0,
    columnID: reader.int16(),
    dataTypeID: reader.int32() >>> 0,
    dataTypeSize: reader.int16(),
    dataTypeModifier: reader.int32(),
    format: reader.int16() === 1 ? 'binary' : 'text',
  };
}

/** What a connection needs from below. */
export interface ConnectionOutput {
  send(bytes: Uint8Array): void;
  destroy(): void;
  /** Stops and restarts what arrives, as far as the platform can. */
  pause(): void;
  resume(): void;
  /** Sent but still on this side. */
  bufferedBytes(): number;
}

export class Connection extends Emitter {
  /** Named statements the server knows, by name. */
  readonly parsedStatements: Record<string, string> = {};
  readonly submittedNamedStatements: Record<string, string> = this.parsedStatements;
  /** node-postgres corks its socket; here that is always so. */
  readonly stream: { cork(): void; uncork(): void; destroy(): void };
  readonly output: ConnectionOutput;
  #out: Uint8Array[] = [];

  constructor(output: ConnectionOutput) {
    super();
    this.output = output;
    this.stream = { cork() {}, uncork() {}, destroy: () => output.destroy() };
  }

  parse({ name = '', text, types = [] }: ParseConfig): void {
    this.write(packet('P', name, text, int16(types.length), ...types.map(int32)));
    if (name) this.parsedStatements[name] = text;
  }

  bind({ portal = '', statement = '', values, binary = false, valueMapper = prepareValue }: BindConfig): void {
    const prepared = (values ?? []).map((item) => prepareValue(valueMapper(item)));
    this.write(
      packet(
        'B',
        portal,
        statement ?? '',
        int16(prepared.length),
        ...prepared.map((item) => int16(typeof item === 'string' || item === null ? 0 : 1)),
        int16(prepared.length),
        ...prepared.map((item) => value(typeof item === 'string' ? encodeText(item) : item)),
        int16(1),
        int16(binary ? 1 : 0),
      ),
    );
  }

  describe({ type, name = '' }: { type: string; name?: string | undefined }): void {
    this.write(packet('D', encodeText(type), name));
  }

  execute({ portal = '', rows = 0 }: { portal?: string | undefined; rows?: number | undefined }): void {
    this.write(packet('E', portal, int32(rows)));
  }

  close({ type, name = '' }: { type: string; name?: string | undefined }): void {
    this.write(packet('C', encodeText(type), name));
  }

  query(text: string): void {
    this.write(packet('Q', text));
  }

  sync(): void {
    this.write(packet('S'));
  }

  flush(): void {
    this.write(packet('H'));
  }

  end(): void {
    this.write(packet('X'));
  }

  sendCopyFromChunk(chunk: Uint8Array): void {
    this.write(packet('d', chunk));
  }

  endCopyFrom(): void {
    this.write(packet('c'));
  }

  sendCopyFail(reason: string): void {
    this.write(packet('f', reason));
  }

  /** Bytes of a message, sent with the others of this turn. */
  write(bytes: Uint8Array): void {
    if (this.#out.push(bytes) === 1) queueMicrotask(() => this.flushWrites());
  }

  /** Sends what was written at once. */
  flushWrites(): void {
    const bytes = this.takeWrites();
    if (bytes.length > 0) this.output.send(bytes);
  }

  /** What was written and not sent yet, for whoever sends it another way. */
  takeWrites(): Uint8Array {
    const out = this.#out;
    this.#out = [];
    return concat(out.length > 0 ? out : [new Uint8Array(0)]);
  }
}
