/** Texts of one row → the row the program sees. */
import { createError } from '../postern-error.ts';
import { type CustomTypes, type TypeParser, types } from './types.ts';

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

/** What it returns throws PosternErrors only, whatever the server has sent. */
export function createRowReader(
  fields: readonly FieldDef[],
  isArray?: boolean,
  custom: CustomTypes = types,
): RowReader {
  let parsers: TypeParser[] | undefined;
  let blank: Record<string, unknown> | undefined;
  const parse = (value: string | Uint8Array | null | undefined, index: number): unknown =>
    value === null ? null : parsers?.[index]?.(value as string); // binary parsers are the program's own
  return (values) => {
    try {
      parsers ??= fields.map(({ dataTypeID, format }) => custom.getTypeParser(dataTypeID, format as 'text' | 'binary'));
      // Its keys are its own, even __proto__; copies of one object have the same shape.
      blank ??= Object.fromEntries(fields.map(({ name }) => [name, null]));
      if (isArray) return values.map(parse);
      const row = { ...blank };
      fields.forEach(({ name }, index) => {
        row[name] = parse(values[index], index);
      });
      return row;
    } catch (error) {
      throw createError('protocol', `a value cannot be read: ${error}`, undefined, { sourceError: error as Error });
    }
  };
}
