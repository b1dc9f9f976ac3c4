/** The outcome of one statement, as node-postgres has it. */
import { createRowReader, type FieldDef, type RowReader } from '../values/rows.ts';
import type { CustomTypes } from '../values/types.ts';

export class Result<Row = Record<string, unknown>> {
  /** First word of the command tag. */
  command: string | null = null;
  rowCount: number | null = null;
  oid: number | null = null;
  rows: Row[] = [];
  fields: FieldDef[] = [];
  declare readonly rowAsArray: boolean;
  readonly #types: CustomTypes | undefined;
  #read: RowReader | undefined;

  constructor(rowMode: string | undefined, types: CustomTypes | undefined) {
    this.rowAsArray = rowMode === 'array';
    this.#types = types;
  }

  addFields(fields: FieldDef[]): void {
    this.fields = fields;
    this.#read = createRowReader(fields, this.rowAsArray, this.#types);
  }

  parseRow(values: readonly (string | Uint8Array | null)[]): Row {
    return this.#read?.(values) as Row; // what the caller says it selects
  }

  addRow(row: Row): void {
    this.rows.push(row);
  }

  /** `INSERT 0 5`, `SELECT 3`, `CREATE TABLE`. */
  addCommandComplete(tag: string): void {
    const [, command, first, second] = /^([A-Za-z]+)( \d+)?( \d+)?/.exec(tag) ?? [];
    this.command = command ?? null;
    if (second) this.oid = Number(first);
    if (first) this.rowCount = Number(second ?? first);
  }
}
