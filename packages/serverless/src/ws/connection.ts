/**
 * The Postgres protocol as events and methods, under node-postgres' names: what is submitted to a client (a query, a cursor
 * of pg-cursor) talks to this. Writes of one turn go out together.
 */
import { DatabaseError } from '../pg/database-error.ts';
import { prepareValue } from '../values/parameter.ts';
import type { FieldDef } from '../values/rows.ts';
import { Emitter } from './emitter.ts';
import { concat, decodeText, encodeText, int16, int32, packet, Reader } from './packet.ts';
import type { Sender } from './transport.ts';

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

/** Letter of a field, and its name. */
const letters = /* @__PURE__ */ (
  'Sseverity Ccode Ddetail Hhint Pposition pinternalPosition qinternalQuery Wwhere sschema ttable ccolumn ' +
  'ddataType nconstraint Ffile Lline Rroutine Mmessage'
).split(' ');

/** Of names with a letter before each, the one behind this letter. */
export function nameBehind(letter: string | undefined, names: readonly string[]): string | undefined {
  return names.find((name) => name[0] === letter)?.slice(1);
}

/** What errors of Postgres have besides a message. */
export const errorFields: readonly string[] = /* @__PURE__ */ letters.slice(0, -1).map((field) => field.slice(1));

/** ErrorResponse or NoticeResponse; `kind` is which. */
export function readError(body: Uint8Array, kind: 'error' | 'notice'): DatabaseError {
  const reader = new Reader(body);
  // Each is there, by which db-errors tells that the error is Postgres'.
  const fields: Record<string, string | undefined> = Object.fromEntries(errorFields.map((name) => [name]));
  for (let text = reader.text(); text; text = reader.text()) {
    const name = nameBehind(text[0], letters);
    if (name) fields[name] = text.slice(1);
  }
  // Postgres rolled back for a reason that may be gone, or never began (see @postern/wire's DatabaseError).
  const safeToRetry = /^(40001|40P01|53300|57P03)$/.test(fields.code as string);
  return new DatabaseError(`${fields.message}`, body.length + 4, kind, { ...fields, safeToRetry });
}

/** DataRow; copies what it keeps. */
export function readRow(reader: Reader, columns: readonly FieldDef[]): (string | Uint8Array | null)[] {
  const values: (string | Uint8Array | null)[] = [];
  for (let count = reader.int16(), index = 0; index < count; index++) {
    const length = reader.int32();
    const bytes = length < 0 ? null : reader.bytes(length);
    values.push(bytes && (columns[index]?.format === 'binary' ? bytes.slice() : decodeText(bytes)));
  }
  return values;
}

/** RowDescription. */
export function readFields(reader: Reader): FieldDef[] {
  return Array.from({ length: reader.int16() }, () => ({
    name: reader.text(),
    tableID: reader.int32() >>> 0,
    columnID: reader.int16(),
    dataTypeID: reader.int32() >>> 0,
    dataTypeSize: reader.int16(),
    dataTypeModifier: reader.int32(),
    format: reader.int16() === 1 ? 'binary' : 'text',
  }));
}

export class Connection extends Emitter {
  /** Named statements the server knows, by name. */
  readonly parsedStatements: Record<string, string> = {};
  readonly submittedNamedStatements: Record<string, string> = this.parsedStatements;
  /** node-postgres corks its socket; here that is always so. `destroy` is for the session to set. */
  readonly stream: { cork(): void; uncork(): void; destroy(): void } = { cork() {}, uncork() {}, destroy() {} };
  /** Of the session it belongs to. */
  declare passenger: Sender;
  /** What was parsed last. */
  parsing = '';
  #out: Uint8Array[] = [];

  parse({ name = '', text, types = [] }: ParseConfig): void {
    this.send('P', name, text, int16(types.length), concat(types.map(int32)));
    if (name) this.parsedStatements[name] = text;
    this.parsing = name;
  }

  bind({ portal = '', statement = '', values, binary, valueMapper = prepareValue }: BindConfig): void {
    const prepared = (values ?? []).map((item) => prepareValue(valueMapper(item)));
    const count = int16(prepared.length);
    this.send(
      'B',
      portal,
      statement,
      count,
      // Not spread into arguments: 65 535 of them are more than the stack holds.
      concat(prepared.map((item) => int16(item && typeof item === 'object' ? 1 : 0))),
      count,
      concat(
        prepared.map((item) => {
          const bytes = typeof item === 'string' ? encodeText(item) : item;
          return bytes ? concat([int32(bytes.length), bytes]) : int32(-1);
        }),
      ),
      int16(1),
      int16(binary ? 1 : 0),
    );
  }

  describe({ type, name = '' }: { type: string; name?: string | undefined }): void {
    this.send('D', encodeText(type), name);
  }

  execute({ portal = '', rows = 0 }: { portal?: string | undefined; rows?: number | undefined }): void {
    this.send('E', portal, int32(rows));
  }

  close({ type, name = '' }: { type: string; name?: string | undefined }): void {
    this.send('C', encodeText(type), name);
  }

  query(text: string): void {
    this.send('Q', text);
  }

  sync(): void {
    this.send('S');
  }

  flush(): void {
    this.send('H');
  }

  end(): void {
    this.send('X');
  }

  sendCopyFromChunk(chunk: Uint8Array): void {
    this.send('d', chunk);
  }

  endCopyFrom(): void {
    this.send('c');
  }

  sendCopyFail(reason: string): void {
    this.send('f', reason);
  }

  /** A message of any type, sent with the others of this turn. */
  send(type: string, ...parts: (Uint8Array | string)[]): void {
    this.write(packet(type, ...parts));
  }

  /** Bytes of messages. */
  write(bytes: Uint8Array): void {
    if (this.#out.push(bytes) === 1) queueMicrotask(() => this.flushWrites());
  }

  /** Sends what was written at once. */
  flushWrites(): void {
    const bytes = this.takeWrites();
    if (bytes.length > 0) this.passenger.transport?.write(bytes);
  }

  /** What was written and not sent yet, for whoever sends it another way. */
  takeWrites(): Uint8Array {
    return concat(this.#out.splice(0));
  }

  /** Writes all that `work` does or, if it throws, nothing, and returns the error: no half a query may go out. */
  attempt(work: () => void): Error | null {
    const before = this.takeWrites();
    try {
      work();
      return null;
    } catch (error) {
      this.takeWrites();
      return error as Error;
    } finally {
      this.write(concat([before, this.takeWrites()]));
    }
  }
}
