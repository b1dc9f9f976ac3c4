/** Answers of `/sql` as the program gets them. */
import { PosternError } from '../postern-error.ts';
import { createRowReader, type FieldDef } from '../values/rows.ts';
import type { HTTPQueryOptions } from './options.ts';
import { idOf, parseJson, unreachable } from './request.ts';

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

/** Reads the whole body. Throws a PosternError when it is not what the route gives. */
export async function readBody(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(error);
  });
  return parseJson(text) ?? unexpected(response);
}

export function unexpected(response: Response): never {
  const type = response.headers.get('content-type') ?? 'none';
  throw new PosternError(`unexpected answer from the server (HTTP status ${response.status}, content type ${type})`, {
    ...idOf(response),
    kind: 'protocol',
  });
}

/** One result, in place: rows of texts become rows of values. */
export function readResult(raw: unknown, response: Response, options: HTTPQueryOptions): unknown {
  const result = Object(raw) as RawResult;
  if (!Array.isArray(result.fields) || !Array.isArray(result.rows)) unexpected(response);
  const isArray = options.arrayMode === true;
  const read = createRowReader(result.fields, isArray, options.types);
  const rows = result.rows as unknown[];
  result.rows.forEach((values, index) => {
    rows[index] = read(values);
  });
  return options.fullResults ? Object.assign(result, { viaNeonFetch: true, rowAsArray: isArray }) : rows;
}
