/** Texts of one row → the row the program sees. */
import { type CustomTypes, types } from './types.ts';

/** One column of a result. */
export interface FieldDef {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
  readonly dataTypeSize: number;
  readonly dataTypeModifier: number;
  readonly format: string;
}

/** `values` are raw texts (bytes for columns in binary format); of columns with the same name the last one wins. */
export type RowReader = (values: readonly (string | Uint8Array | null)[]) => unknown;

export function createRowReader(fields: readonly FieldDef[], isArray: boolean, custom: CustomTypes = types): RowReader {
  const parsers = fields.map((field) =>
    custom.getTypeParser(field.dataTypeID, field.format === 'binary' ? 'binary' : 'text'),
  );
  const parse = (value: string | Uint8Array | null | undefined, index: number): unknown =>
    value === null ? null : parsers[index]?.(value as string); // binary parsers are the program's own
  if (isArray) return (values) => values.map(parse);
  const names = fields.map((field) => field.name);
  // Assigned, it would be the prototype.
  if (names.includes('__proto__')) {
    return (values) => Object.fromEntries(names.map((name, index) => [name, parse(values[index], index)]));
  }
  return (values) => {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) row[names[index]!] = parse(values[index], index);
    return row;
  };
}
