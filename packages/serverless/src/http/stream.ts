/** Rows as they come: one line of JSON each. Memory is bounded by what the network buffers. */
import { createError } from '../postern-error.ts';
import { createRowReader, type FieldDef, type RowReader } from '../values/rows.ts';
import type { HTTPQueryOptions } from './options.ts';
import type { NeonQueryPromise } from './query-promise.ts';
import { answerError, lost, parseJson, readBody } from './request.ts';
import { type AnyRow, readResult } from './results.ts';

/** As a tag, or for a query: `sql.stream(sql.query(text, params))`. The query is sent when the first row is asked for. */
export interface StreamFunction<ArrayMode extends boolean> {
  <Row = AnyRow<ArrayMode>>(strings: TemplateStringsArray, ...values: readonly unknown[]): AsyncGenerator<Row>;
  <Row = undefined, A extends boolean = ArrayMode>(
    query: NeonQueryPromise<A, boolean>,
  ): AsyncGenerator<Row extends undefined ? AnyRow<A> : Row>;
}

/** The rows of an answer. */
export async function* readStream(response: Response, options: HTTPQueryOptions): AsyncGenerator<never> {
  if (!/ndjson/.test(response.headers.get('content-type') as string) || !response.body) {
    // A server that does not stream has sent everything.
    return yield* readResult(await readBody(response), response, { ...options, fullResults: false }) as never[];
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let read: RowReader | undefined;
  /** The beginning of a line. */
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(lost);
      if (done) throw createError('connection', 'Connection terminated', '08006');
      const lines = decoder.decode(value, { stream: true }).split('\n');
      // However many pieces a line has: engines join them when it is read.
      lines[0] = rest + lines[0];
      rest = lines.pop()!;
      for (const line of lines) {
        const json = parseJson(line);
        if (read && Array.isArray(json)) {
          yield read(json) as never; // the row type is the caller's word
        } else if (json?.fields) {
          read = createRowReader(json.fields as FieldDef[], options.arrayMode, options.types);
        } else if (json?.command !== undefined) {
          return;
        } else throw answerError(response, line, json?.error as Record<string, unknown> | undefined);
      }
    }
  } finally {
    // Left early it cancels the query.
    await reader.cancel().catch(() => {});
  }
}
