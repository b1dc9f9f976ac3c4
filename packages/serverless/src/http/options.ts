/** What can be said about a query over HTTP, at each level: `postern()`, transaction, query. The inner one wins. */
import type { FetchEndpoint } from '../config.ts';
import type { CustomTypes } from '../values/types.ts';
import { partOf } from './connection.ts';

type MaybeComputed<Value> = Value | (() => Value | Promise<Value>);

/** Parts of a connection string, added to it or instead of it; functions are called for every request. */
export interface ConnectionParameters {
  connectionString?: MaybeComputed<string> | undefined;
  user?: MaybeComputed<string> | undefined;
  username?: MaybeComputed<string> | undefined;
  password?: MaybeComputed<string> | undefined;
  host?: MaybeComputed<string> | undefined;
  hostname?: MaybeComputed<string> | undefined;
  port?: MaybeComputed<string | number> | undefined;
  database?: MaybeComputed<string> | undefined;
}

/** How long the gateway may answer from its cache, in seconds. */
export interface CacheOptions {
  ttl?: number;
  /** After `ttl`, an old answer is still given while a new one is fetched. */
  swr?: number;
  /** To be able to throw it out by name. */
  tags?: readonly string[];
}

export interface HTTPQueryOptions<ArrayMode extends boolean = boolean, FullResults extends boolean = boolean>
  extends ConnectionParameters {
  /** Rows as arrays instead of objects. Default false. */
  arrayMode?: ArrayMode | undefined;
  /** `{ rows, fields, command, rowCount, rowAsArray }` instead of rows alone. Default false. */
  fullResults?: FullResults | undefined;
  /** For `fetch`: `signal`, `priority`, … `headers` are added to ours. */
  fetchOptions?: Readonly<Record<string, unknown>> | undefined;
  /** Short for `fetchOptions.signal`. */
  signal?: AbortSignal | undefined;
  /** A JWT, or an API key of the gateway's, to send as `Authorization: Bearer`. */
  authToken?: MaybeComputed<string | undefined> | undefined;
  /** How values are parsed. */
  types?: CustomTypes | undefined;
  /** Where to send it; default `neonConfig.fetchEndpoint`. */
  endpoint?: FetchEndpoint | undefined;
  cache?: CacheOptions | undefined;
  /** Accepted and ignored: nothing is ever printed. */
  disableWarningInBrowsers?: boolean | undefined;
}

export interface HTTPTransactionOptions<ArrayMode extends boolean = boolean, FullResults extends boolean = boolean>
  extends HTTPQueryOptions<ArrayMode, FullResults> {
  isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable' | undefined;
  readOnly?: boolean | undefined;
  /** Has an effect together with Serializable and `readOnly` only. */
  deferrable?: boolean | undefined;
}

/** What is neither undefined nor null. */
export function defined(object: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(Object(object)).filter(([, value]) => value != null));
}

/** Lays `levels` over one another, outer first. A connection string replaces all that was said about the connection. */
export function mergeOptions(...levels: readonly (HTTPTransactionOptions | undefined)[]): HTTPTransactionOptions {
  const merged: Record<string, unknown> = {};
  for (const level of levels) {
    const own = defined(level);
    if (own.connectionString) for (const name in partOf) delete merged[name];
    const outer = merged.fetchOptions as RequestInit | undefined;
    const inner = own.fetchOptions as RequestInit | undefined; // whatever fetch would take
    Object.assign(merged, own, {
      signal: own.signal ?? inner?.signal ?? merged.signal,
      fetchOptions: {
        ...outer,
        ...inner,
        // Under lower-case names, so that levels can be laid over each other.
        headers: Object.fromEntries([...new Headers(outer?.headers), ...new Headers(inner?.headers)]),
      },
    });
  }
  return merged;
}
