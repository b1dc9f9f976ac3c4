/** Rows as they come: one line of JSON each. Memory is bounded by what the network buffers. */
import { createError } from '../postern-error.ts';
import { createRowReader, type FieldDef, type RowReader } from '../values/rows.ts';
import type { HTTPQueryOptions } from './options.ts';
import type { NeonQueryPromise } from './query-promise.ts';
import { answerError, lost, parseJson } from './request.ts';
import type { AnyRow } from './results.ts';

/** As a tag, or for a query: `sql.stream(sql.query(text, params))`. The query is sent when the first row is asked for. */
export interface StreamFunction<ArrayMode extends boolean> {
  <Row = AnyRow<ArrayMode>>(strings: TemplateStringsArray, ...values: readonly unknown[]): AsyncGenerator<Row>;
  <Row = undefined, A extends boolean = ArrayMode>(
    query: NeonQueryPromise<A, boolean>,
  ): AsyncGenerator<Row extends undefined ? AnyRow<A> : Row>;
}

/** The rows of an answer. */
export async function* readStream(response: Response, options: HTTPQueryOptions): AsyncGenerator<never> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let read: RowReader | undefined;
  /** The beginning of a line. */
  let rest = '';
  try {
    for (;;) {
      const { done = true, value } = Object(await reader?.read().catch(lost));
      const lines = decoder.decode(value, { stream: true }).split('\n');
      // However many pieces a line has: engines join them when it is read.
      lines[0] = rest + lines[0];
      rest = done ? '' : lines.pop()!;
      for (const line of lines) {
        const json = parseJson(line);
        if (read && Array.isArray(json)) {
          yield read(json) as never; // the row type is the caller's word
        } else if (json?.fields) {
          read = createRowReader(json.fields as FieldDef[], options.arrayMode, options.types);
          // A server that does not stream has sent everything in one line.
          if (Array.isArray(json.rows)) return yield* json.rows.map(read) as never[];
        } else if (json?.command != null) {
          return;
        } else if (read && done) {
          throw createError('connection', 'Connection terminated', '08006');
        } else throw answerError(response, line, json?.error as Record<string, unknown> | undefined);
      }
    }
  } finally {
    // Left early it cancels the query.
    await reader?.cancel().catch(() => {});
  }
}
