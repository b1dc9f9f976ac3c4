/** One query on its way through a client. */
import { createError, type PosternError } from '../postern-error.ts';
import type { FieldDef } from '../values/rows.ts';
import type { CustomTypes } from '../values/types.ts';
import type { Connection } from '../ws/connection.ts';
import { Emitter } from '../ws/emitter.ts';
import { tell } from './callback.ts';
import { Result } from './result.ts';

/** What a client can be given to run: a query of ours, or an object of another package such as pg-cursor. */
export interface Submittable {
  /** Sends its messages. Returns an error when it cannot. */
  submit(connection: Connection): unknown;
  readonly config?: { readonly name?: string | undefined };
  callback?: QueryCallback | undefined;
  /** Nobody waits for it any more: ends what would wait for something to be asked for. */
  leave?(connection: Connection): void;
  handleParseComplete?(): void;
  handleRowDescription?(message: { fields: FieldDef[] }, connection: Connection): void;
  handleDataRow?(message: { fields: (string | Uint8Array | null)[] }, connection: Connection): void;
  handleCommandComplete?(message: { text: string }, connection: Connection): void;
  handlePortalSuspended?(connection: Connection): void;
  handleEmptyQuery?(connection: Connection): void;
  handleCopyInResponse?(connection: Connection): void;
  handleCopyData?(message: { chunk: Uint8Array }, connection: Connection): void;
  handleReadyForQuery?(connection: Connection): void;
  handleError?(error: Error, connection: Connection): void;
}

export interface QueryConfig<Values = readonly unknown[]> {
  text: string;
  values?: Values | undefined;
  /** Prepared under this name once per client. */
  name?: string | undefined;
  rowMode?: 'array' | undefined;
  types?: CustomTypes | undefined;
  /** Fetch so many rows at a time. */
  rows?: number | undefined;
  binary?: boolean | undefined;
  portal?: string | undefined;
  /** `extended`: no simple query even without values. */
  queryMode?: 'extended' | undefined;
  /** Aborted, the query is cancelled on the server. */
  signal?: AbortSignal | undefined;
  /** Milliseconds, instead of the client's. */
  query_timeout?: number | undefined;
  callback?: QueryCallback | undefined;
}

/** As node-postgres' types have it; really one of both is null or undefined. */
export type QueryCallback<Row = Record<string, unknown>> = (error: PosternError, result: Result<Row>) => void;

/** Events of a query. */
interface QueryEvents {
  row: [row: Record<string, unknown>, result: Result];
  end: [result: Result];
  error: [error: PosternError];
}

/** Tells a query of ours, or of another package, that it failed; ours needs no ReadyForQuery behind it. */
export function failQuery(query: Submittable, error: Error, connection: Connection | undefined): void {
  tell(() => {
    query.handleError?.(error, connection as Connection); // without one nothing was sent
    if ('settle' in query) query.handleReadyForQuery?.(connection as Connection);
  });
}

/** What a query whose signal was aborted fails with. */
export function abortError({ reason }: AbortSignal): PosternError {
  return createError('usage', 'the query was aborted', '57014', { sourceError: reason as Error });
}

export class Query extends Emitter<QueryEvents> implements Submittable {
  declare config: QueryConfig;
  declare callback: QueryCallback | undefined;
  /** It failed, or has been settled. */
  isOver = false;
  declare handleCopyData?: NonNullable<Submittable['handleCopyData']>;
  #result!: Result;
  readonly #results: Result[] = [];
  #error: Error | undefined;
  #isExtended = false;
  /** Rows are fetched in portions: a Sync has yet to be sent, when they are over. */
  #owesSync = false;

  constructor(config: string | QueryConfig, values?: readonly unknown[] | QueryCallback, callback?: QueryCallback) {
    super();
    const own: QueryConfig = typeof config === 'string' ? { text: config } : config;
    const isCallback = typeof values === 'function';
    // What tags like sql-template-strings make has a getter for its text, which is not copied.
    this.config = { ...own, text: own.text, values: isCallback ? own.values : (values ?? own.values) };
    this.callback = callback ?? (isCallback ? values : own.callback);
  }

  /** Takes from its client what it was not given itself. */
  inherit(types: CustomTypes, binary: boolean | undefined): void {
    const { config } = this;
    this.config = { ...config, types: config.types ?? types, binary: config.binary ?? binary };
  }

  submit(connection: Connection): Error | null {
    const { text, name, values, rows, portal, binary, queryMode } = this.config;
    if (typeof text !== 'string' && !name) return createError('usage', 'A query must have text or a name');
    if (values && !Array.isArray(values)) return createError('usage', 'Query values must be an array');
    const known = connection.parsedStatements[name ?? ''];
    if (known !== undefined && text && known !== text) {
      return createError('usage', `Prepared statements must be unique: ${name}`);
    }
    this.#isExtended = Boolean(queryMode === 'extended' || name || rows || values?.length);
    this.#next();
    const error = connection.attempt(() => {
      if (!this.#isExtended) return connection.query(text);
      if (known === undefined) connection.parse({ name, text });
      connection.bind({ portal, statement: name, values, binary });
      connection.describe({ type: 'P', name: portal });
      connection.execute({ portal, rows });
      if (rows) connection.flush();
      else connection.sync();
    });
    this.#owesSync = !error && Boolean(rows);
    return error;
  }

  leave(connection: Connection): void {
    if (this.#owesSync) connection.sync();
    this.#owesSync = false;
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    this.#next();
    this.#result.addFields(fields);
  }

  handleDataRow({ fields }: { fields: (string | Uint8Array | null)[] }): void {
    if (this.#error) return;
    try {
      const row = this.#result.parseRow(fields);
      this.emit('row', row, this.#result);
      if (this.callback || this.listenerCount('row') === 0) this.#result.addRow(row);
    } catch (error) {
      this.#error = error as Error;
    }
  }

  handleCommandComplete({ text }: { text: string }, connection: Connection): void {
    this.#next();
    this.#result.addCommandComplete(text);
    this.leave(connection);
  }

  handlePortalSuspended(connection: Connection): void {
    connection.execute({ portal: this.config.portal, rows: this.config.rows });
    connection.flush();
  }

  handleEmptyQuery(connection: Connection): void {
    this.leave(connection);
  }

  handleCopyInResponse(connection: Connection): void {
    connection.sendCopyFail('No source stream defined');
    this.#owesSync = this.#isExtended; // one that came during COPY was not heard
    this.leave(connection);
  }

  handleError(error: Error, connection?: Connection): void {
    this.#error ??= error;
    this.isOver = true;
    if (connection) this.leave(connection);
  }

  handleReadyForQuery(): void {
    this.settle(this.#error, this.#results[1] ? this.#results : this.#result);
  }

  /** Tells whoever waits, once. */
  settle(error: Error | undefined, results?: Result | Result[]): void {
    const { callback } = this;
    this.isOver = true;
    this.callback = () => {};
    callback?.((error ?? null) as PosternError, (error ? undefined : results) as Result);
    if (error) this.emit('error', error);
    else this.emit('end', results);
  }

  /** Several statements in one text: one result each. */
  #next(): void {
    if (this.#result?.command === null) return;
    this.#result = new Result(this.config.rowMode, this.config.types);
    this.#results.push(this.#result);
  }
}
