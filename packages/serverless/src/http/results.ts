/** Answers of `/sql` as the program gets them. */
import { createRowReader, type FieldDef } from '../values/rows.ts';
import type { HTTPQueryOptions } from './options.ts';
import { answerError } from './request.ts';

/** The row of a query that was not told its type. */
export type AnyRow<ArrayMode extends boolean> = ArrayMode extends true ? unknown[] : Record<string, unknown>;

export type QueryRows<ArrayMode extends boolean, Row = AnyRow<ArrayMode>> = Row[];

/** With `fullResults`. */
export interface FullQueryResults<ArrayMode extends boolean, Row = AnyRow<ArrayMode>> {
  fields: FieldDef[];
  /** First word of the command tag, `INSERT`. */
  command: string;
  /** null for commands that count nothing. */
  rowCount: number | null;
  rows: Row[];
  rowAsArray: ArrayMode;
  /** Marks what came over HTTP. */
  viaNeonFetch: true;
}

interface RawResult {
  fields: FieldDef[];
  rows: (string | null)[][];
}

/** One result, in place: rows of texts become rows of values. Throws a PosternError when it is none. */
export function readResult(raw: unknown, response: Response, options: HTTPQueryOptions): unknown {
  const { fields, rows } = Object(raw) as RawResult;
  if (!Array.isArray(fields) || !Array.isArray(rows)) throw answerError(response);
  const rowAsArray = Boolean(options.arrayMode);
  const read = createRowReader(fields, rowAsArray, options.types);
  rows.forEach((values, index) => {
    rows[index] = read(values) as never;
  });
  return options.fullResults ? { ...(raw as RawResult), viaNeonFetch: true, rowAsArray } : rows;
}
