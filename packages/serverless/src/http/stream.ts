/** Rows as they come: one line of JSON each. Memory is bounded by what the network buffers. */
import { PosternError } from '../postern-error.ts';
import { createRowReader, type FieldDef, type RowReader } from '../values/rows.ts';
import type { HTTPQueryOptions } from './options.ts';
import type { NeonQueryPromise } from './query-promise.ts';
import { databaseError, idOf, parseJson, unreachable } from './request.ts';
import { type AnyRow, readBody, readResult, unexpected } from './results.ts';
import type { Sent } from './sender.ts';

/** As a tag, or for a query: `sql.stream(sql.query(text, params))`. The query is sent when the first row is asked for. */
export interface StreamFunction<ArrayMode extends boolean> {
  <Row = AnyRow<ArrayMode>>(strings: TemplateStringsArray, ...values: readonly unknown[]): AsyncGenerator<Row>;
  <Row = undefined, A extends boolean = ArrayMode>(
    query: NeonQueryPromise<A, boolean>,
  ): AsyncGenerator<Row extends undefined ? AnyRow<A> : Row>;
}

/** Sends through `send` and yields the rows. The signal given to `send` cancels the query when the loop is left. */
export async function* streamRows(
  send: (signal: AbortSignal) => Promise<Sent>,
  options: HTTPQueryOptions,
): AsyncGenerator<never> {
  const abort = new AbortController();
  const outer = options.signal ?? (options.fetchOptions?.signal as AbortSignal | undefined);
  const forward = (): void => abort.abort(outer?.reason);
  if (outer?.aborted) forward();
  outer?.addEventListener('abort', forward);
  let sent: Sent | undefined;
  let failure: unknown;
  try {
    sent = await send(abort.signal);
    yield* rowsOf(sent.response, options);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    outer?.removeEventListener('abort', forward);
    abort.abort();
    sent?.done(failure);
  }
}

async function* rowsOf(response: Response, options: HTTPQueryOptions): AsyncGenerator<never> {
  if (!response.headers.get('content-type')?.includes('ndjson') || !response.body) {
    // A server that does not stream has sent everything.
    const result = readResult(await readBody(response), response, { ...options, fullResults: false });
    yield* result as never[];
    return;
  }
  let read: RowReader | undefined;
  let isComplete = false;
  for await (const line of linesOf(response.body)) {
    const json = parseJson(line);
    if (Array.isArray(json) && read) {
      yield read(json) as never; // the row type is the caller's word
    } else if (Array.isArray(json?.fields)) {
      read = createRowReader(json.fields as FieldDef[], options.arrayMode === true, options.types);
    } else if (json?.error) {
      throw databaseError(Object(json.error), idOf(response));
    } else if (json && 'command' in json) {
      isComplete = true;
    } else unexpected(response);
  }
  if (!isComplete) {
    throw new PosternError('the connection was lost before the last row', { kind: 'connection', code: '08006' });
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // Pieces of a line that has not ended: joined once, however many there are.
  let pieces: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw unreachable(error);
      });
      if (done) break;
      const lines = decoder.decode(value, { stream: true }).split('\n');
      const rest = lines.pop() ?? '';
      for (const line of lines) {
        pieces.push(line);
        yield pieces.join('');
        pieces = [];
      }
      pieces.push(rest);
    }
    const last = pieces.join('');
    if (last) yield last;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
