/** Texts of one row → the row the program sees. */
import { protocolError } from '../postern-error.ts';
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

/** It, and what it returns, throw PosternErrors only, whatever the server has sent. */
export const createRowReader: (fields: readonly FieldDef[], isArray?: boolean, custom?: CustomTypes) => RowReader =
  /* @__PURE__ */ guarded((fields, isArray, custom = types) => {
    const parsers = fields.map(({ dataTypeID, format }) =>
      custom.getTypeParser(dataTypeID, format as 'text' | 'binary'),
    );
    const parse = (value: string | Uint8Array | null | undefined, index: number): unknown =>
      value === null ? null : parsers[index]?.(value as string); // binary parsers are the program's own
    if (isArray) return guarded((values) => values.map(parse));
    // Its keys are its own, even __proto__; copies of one object have the same shape.
    const blank = Object.fromEntries(fields.map(({ name }) => [name, null as unknown]));
    return guarded((values) => {
      const row = { ...blank };
      fields.forEach(({ name }, index) => {
        row[name] = parse(values[index], index);
      });
      return row;
    });
  });

function guarded<Parameters extends unknown[], Result>(
  work: (...parameters: Parameters) => Result,
): (...parameters: Parameters) => Result {
  return (...parameters) => {
    try {
      return work(...parameters);
    } catch (error) {
      throw protocolError(`a value cannot be read: ${error}`, undefined, { sourceError: error as Error });
    }
  };
}
