/** A node-postgres `Client` over a WebSocket. */
import { type Configuration, neonConfig, ownAddress } from '../config.ts';
import { quoteIdentifier } from '../http/template.ts';
import { PosternError, usageError } from '../postern-error.ts';
import { type CustomTypes, type TypeParser, types } from '../values/types.ts';
import type { Connection } from '../ws/connection.ts';
import { Emitter } from '../ws/emitter.ts';
import { createHub, type Hub } from '../ws/transport.ts';
import { type ClientConfig, type ConnectionParameters, resolveParameters } from './connection-parameters.ts';
import { copyFrom, copyTo } from './copy.ts';
import { openCursor } from './cursor.ts';
import { listen } from './listen.ts';
import { Query, type QueryCallback, type QueryConfig, type Submittable } from './query.ts';
import type { Result } from './result.ts';
import { Session, wantsDialogue } from './session.ts';

type Callback = (error?: Error | null) => void;
export type QueryResult<Row = Record<string, unknown>> = Result<Row>;

const firstDelayMs = 50;
const longestDelayMs = 1_000;
const keepAliveMs = 30_000;
const aliveTimeoutMs = 5_000;

/** Where the WebSocket of a host is. */
export function webSocketUrl(config: Configuration, host: string, port: string): string {
  const { wsProxy } = config;
  const own = ownAddress(host, port);
  const address =
    typeof wsProxy === 'function'
      ? wsProxy(host, port || '5432')
      : wsProxy
        ? `${wsProxy}?address=${host}:${port || 5432}`
        : `${own?.authority ?? host}/v2`;
  const isSecure = config.useSecureWebSocket ?? (wsProxy ? true : (own?.isSecure ?? true));
  return `ws${isSecure ? 's' : ''}://${address}`;
}

export class Client extends Emitter {
  declare readonly config: string | ClientConfig | undefined;
  /** Settings of this client alone; to be changed before `connect()`. */
  readonly neonConfig: Configuration = {};
  readonly user: string;
  readonly database: string;
  readonly host: string;
  readonly port: number;
  readonly ssl = false;
  declare password: ClientConfig['password'];
  readonly #parameters: ConnectionParameters;
  readonly #options: ClientConfig;
  readonly #overrides: Map<number, TypeParser>[] = [new Map(), new Map()];
  readonly #types: CustomTypes;
  #hub: Hub | undefined;
  #session: Session | undefined;
  #state: 'new' | 'connecting' | 'ready' | 'ended' = 'new';
  /** Queries from before the first attempt. */
  #early: (readonly [Submittable, boolean])[] = [];
  #keepAlive: ReturnType<typeof setTimeout> | undefined;
  #lastSign = 0;

  /** `hub`: the WebSocket to share with others. */
  constructor(config?: string | ClientConfig, hub?: Hub) {
    super();
    this.#options = typeof config === 'object' ? config : {};
    this.#parameters = resolveParameters(config);
    this.#hub = hub;
    const { user, database, host, port, password } = this.#parameters;
    this.user = user;
    this.database = database;
    this.host = host;
    this.port = Number(port || 5432);
    // Not shown when somebody prints the client.
    Object.defineProperties(this, { config: { value: config }, password: { value: password, writable: true } });
    const below = this.#options.types ?? types;
    this.#types = {
      getTypeParser: (oid, format = 'text') =>
        this.#overrides[format === 'text' ? 0 : 1]?.get(oid) ?? below.getTypeParser(oid, format),
    };
  }

  get connection(): Connection | undefined {
    return this.#session?.connection;
  }

  get processID(): number | null {
    return this.#session?.processID ?? null;
  }

  get secretKey(): Uint8Array | null {
    return this.#session?.secretKey ?? null;
  }

  /** Can still be used. */
  get isUsable(): boolean {
    return this.#state === 'ready' && this.#session?.isOpen === true;
  }

  /** Resolves when the server has accepted the password; queries may be given to the client before. */
  connect(): Promise<this>;
  connect(callback: Callback): void;
  connect(callback?: Callback): Promise<this> | undefined {
    const connected = this.#connect();
    if (!callback) return connected;
    connected.then(() => callback(null), callback);
    return undefined;
  }

  query<Row = Record<string, unknown>>(
    query: string | QueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  query(query: string | QueryConfig, callback: QueryCallback): void;
  query(query: string | QueryConfig, values: readonly unknown[] | undefined, callback: QueryCallback): void;
  query<Given extends Submittable>(submittable: Given): Given;
  query(
    given: string | QueryConfig | Submittable,
    values?: readonly unknown[] | QueryCallback,
    callback?: QueryCallback,
  ): unknown {
    if (given === null || given === undefined) throw new TypeError('Client was passed a null or undefined query');
    if (typeof given === 'object' && 'submit' in given) {
      this.submit(given, true);
      return given;
    }
    const config = typeof given === 'string' ? { text: given } : given;
    const query = new Query({ types: this.#types, binary: this.#options.binary, ...config }, values, callback);
    const result = query.callback
      ? undefined
      : new Promise((resolve, reject) => {
          query.callback = (error, results) => (error ? reject(error) : resolve(results));
        });
    const isWatched = this.#watch(query);
    // Behind COPY FROM STDIN whatever is sent would be taken for its data.
    this.submit(query, isWatched || /\bcopy\b/i.test(query.config.text ?? ''));
    return result;
  }

  /** Queues something that talks to the connection itself. */
  submit(query: Submittable, isExclusive: boolean): void {
    if (this.#state === 'ended') {
      const error = new PosternError('Client has encountered a connection error and is not queryable', {
        kind: 'connection',
        code: '08003',
        safeToRetry: true,
      });
      queueMicrotask(() => {
        query.handleError?.(error, this.connection as Connection);
        if ('settle' in query) query.handleReadyForQuery?.(this.connection as Connection);
      });
    } else if (this.#session) this.#session.submit(query, isExclusive);
    else this.#early.push([query, isExclusive]);
  }

  /** Cancels what is running on the server, or takes the query out of the queue. */
  cancel(client: Client, query: Submittable): void {
    client.#session?.abandon(query);
  }

  /** Says goodbye. A running query is cancelled: its result would reach nobody. */
  end(): Promise<void>;
  end(callback: Callback): void;
  end(callback?: Callback): Promise<void> | undefined {
    const wasEnded = this.#state === 'ended';
    this.#state = 'ended';
    clearTimeout(this.#keepAlive);
    this.#session?.close();
    if (!wasEnded) queueMicrotask(() => this.emit('end'));
    if (!callback) return Promise.resolve();
    queueMicrotask(() => callback());
    return undefined;
  }

  /** Loads data: `copyFrom('COPY t FROM STDIN', rows)`, texts or bytes as the statement's format wants them. */
  copyFrom(
    text: string,
    source: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  ): Promise<{ rowCount: number | null }> {
    return copyFrom(this, text, source);
  }

  /** Pieces of `COPY … TO STDOUT`. Leaving the loop cancels it. */
  copyTo(text: string): AsyncGenerator<Uint8Array> {
    return copyTo(this, text);
  }

  /** Rows, fetched so many at a time. Leaving the loop closes the cursor. */
  cursor<Row = Record<string, unknown>>(
    query: string | QueryConfig,
    values?: readonly unknown[],
    options?: { batchSize?: number },
  ): AsyncGenerator<Row> {
    const config = typeof query === 'string' ? { text: query } : query;
    return openCursor<Row>(this, { types: this.#types, ...config, ...(values && { values }) }, options?.batchSize);
  }

  /** Notifications on a channel, from when the first one is asked for. Leaving the loop ends the subscription. */
  listen(channel: string): AsyncGenerator<{ channel: string; payload: string; processId: number }> {
    return listen(this, channel);
  }

  escapeIdentifier(name: string): string {
    return quoteIdentifier(name);
  }

  escapeLiteral(text: string): string {
    return escapeLiteral(text);
  }

  setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser): void {
    if (typeof format === 'function') this.#overrides[0]?.set(oid, format);
    else if (parser) this.#overrides[format === 'text' ? 0 : 1]?.set(oid, parser);
  }

  getTypeParser(oid: number, format?: 'text' | 'binary'): TypeParser {
    return this.#types.getTypeParser(oid, format);
  }

  /** A WebSocket does not keep a serverless function alive; these are for programs that call them. */
  ref(): void {}
  unref(): void {}

  /** Whether the server still answers; asked only after a silence of some length. */
  async isAlive(silenceMs: number = keepAliveMs): Promise<boolean> {
    if (!this.isUsable) return false;
    if (Date.now() - this.#lastSign < silenceMs) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(false);
        this.#session?.close(lost());
      }, aliveTimeoutMs);
      const settle = (isAlive: boolean): void => {
        clearTimeout(timer);
        resolve(isAlive);
      };
      this.submit(
        {
          submit: (connection) => connection.sync(),
          handleReadyForQuery: () => settle(true),
          handleError: () => settle(false),
        },
        false,
      );
    });
  }

  async #connect(): Promise<this> {
    if (this.#state !== 'new') {
      throw usageError('Client has already been connected. You cannot reuse a client.');
    }
    this.#state = 'connecting';
    const { connectTimeoutMs, hasTarget, startup, posternOptions } = this.#parameters;
    const settings = { ...neonConfig, ...this.neonConfig };
    const giveUpAt = Date.now() + connectTimeoutMs;
    let isPipelined = settings.pipelineConnect !== false;
    try {
      if (!hasTarget) {
        throw usageError('No database host or connection string was set. Is an environment variable missing?');
      }
      for (let attempt = 0; ; attempt++) {
        const password = typeof this.password === 'function' ? await this.password() : await this.password;
        this.#hub ??= createHub({
          url: webSocketUrl(settings, this.host, this.#parameters.port),
          protocol: settings.protocol ?? 'auto',
          webSocketConstructor: settings.webSocketConstructor,
        });
        const session = new Session({
          hub: this.#hub,
          startup,
          posternOptions,
          password: password ?? undefined,
          isPipelined: isPipelined && typeof password === 'string',
          handlers: {
            onNotice: (notice) => void this.emit('notice', notice),
            onNotification: (notification) => void this.emit('notification', notification),
            onDrain: () => this.#drained(),
            onEnd: (error) => this.#ended(error),
          },
        });
        session.adopt(this.#early.splice(0));
        this.#session = session;
        try {
          await this.#login(session, giveUpAt);
          break;
        } catch (caught) {
          const error = caught as PosternError;
          this.#early = session.takeWaiting();
          const delayMs = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs) * (0.5 + Math.random() / 2);
          const mustAsk = error.message === wantsDialogue;
          if (!error.safeToRetry || (!mustAsk && Date.now() + delayMs > giveUpAt)) throw error;
          this.#session = undefined;
          if (mustAsk) isPipelined = false;
          else await new Promise((resolve) => setTimeout(resolve, delayMs));
        }
      }
    } catch (error) {
      this.#state = 'ended';
      for (const [query] of this.#early.splice(0)) {
        query.handleError?.(error as Error, this.connection as Connection);
        if ('settle' in query) query.handleReadyForQuery?.(this.connection as Connection);
      }
      throw error;
    }
    if (this.#state === 'connecting') this.#state = 'ready';
    this.#lastSign = Date.now();
    this.emit('connect');
    return this;
  }

  async #login(session: Session, giveUpAt: number): Promise<void> {
    const left = giveUpAt - Date.now();
    // A timer cannot wait for ever.
    if (left > 2 ** 31 - 1) return session.login();
    const timer = setTimeout(() => {
      session.close(
        new PosternError('Connection terminated due to connection timeout', { kind: 'connection', code: '08001' }),
      );
    }, left);
    return session.login().finally(() => clearTimeout(timer));
  }

  #drained(): void {
    this.#lastSign = Date.now();
    this.emit('drain');
    if (!this.#options.keepAlive) return;
    clearTimeout(this.#keepAlive);
    const ask = async (): Promise<void> => {
      if (this.#session?.isIdle) await this.isAlive(0);
    };
    this.#keepAlive = setTimeout(() => void ask(), this.#options.keepAliveInitialDelayMillis || keepAliveMs);
    (this.#keepAlive as { unref?(): void }).unref?.();
  }

  #ended(error: PosternError | undefined): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#keepAlive);
    if (error) this.emit('error', error);
    this.emit('end');
  }

  /** Timeouts and signals of a query; true if it has any. */
  #watch(query: Query): boolean {
    const { signal, query_timeout = this.#options.query_timeout || undefined } = query.config;
    if (!signal && !query_timeout) return false;
    const stop = (error: Error): void => {
      release();
      this.#session?.abandon(query);
      this.#early = this.#early.filter(([early]) => early !== query);
      query.settle({ error });
    };
    const abort = (): void =>
      stop(
        new PosternError('the query was aborted', {
          kind: 'usage',
          code: '57014',
          sourceError: signal?.reason as Error,
        }),
      );
    const timer =
      query_timeout &&
      setTimeout(
        () => stop(new PosternError('Query read timeout', { kind: 'connection', code: '57014' })),
        query_timeout,
      );
    const release = (): void => {
      if (timer) clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const { callback } = query;
    query.callback = (error, results) => {
      release();
      callback?.(error, results);
    };
    if (signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener('abort', abort);
    return true;
  }
}

function lost(): PosternError {
  return new PosternError('Connection terminated unexpectedly: the server does not answer', {
    kind: 'connection',
    code: '08006',
  });
}

/** `'it''s'`, with `E''` where there are backslashes. */
export function escapeLiteral(text: string): string {
  const escaped = String(text ?? '').replace(/['\\]/g, '$&$&');
  return text?.includes?.('\\') ? ` E'${escaped}'` : `'${escaped}'`;
}
