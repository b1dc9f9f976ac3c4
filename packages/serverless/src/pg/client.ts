/** The node-postgres `Client` over a WebSocket. */
import { backOff } from '../back-off.ts';
import { addressOf, type Configuration, neonConfig } from '../config.ts';
import { computed } from '../http/connection.ts';
import { quoteIdentifier } from '../http/template.ts';
import { createError, type PosternError } from '../postern-error.ts';
import { createTypes, type TypeParser, type Types, types } from '../values/types.ts';
import { Connection } from '../ws/connection.ts';
import { Emitter } from '../ws/emitter.ts';
import { createHub, type Hub } from '../ws/transport.ts';
import { answer, tell } from './callback.ts';
import type { ClientEvents } from './client-events.ts';
import {
  type ClientConfig,
  type ConnectionParameters,
  clampTimeout,
  resolveParameters,
} from './connection-parameters.ts';
import { copyFrom, copyTo } from './copy.ts';
import { openCursor } from './cursor.ts';
import { escapeLiteral } from './escape-literal.ts';
import { type ChannelNotification, listen } from './listen.ts';
import { abortError, failQuery, Query, type QueryCallback, type QueryConfig, type Submittable } from './query.ts';
import type { Result } from './result.ts';
import { createSession, type Entry, type Session } from './session.ts';

type Callback = (error?: Error | null) => void;
export type QueryResult<Row = Record<string, unknown>> = Result<Row>;

const keepAliveMs = 30_000;
const aliveTimeoutMs = 5_000;

/** To where these parameters lead, with the settings of a client and the program. */
export function openHub({ host, port }: ConnectionParameters, settings: Configuration): Hub {
  const { wsProxy } = settings;
  const own = typeof wsProxy === 'function' ? wsProxy(host, port) : wsProxy && `${wsProxy}?address=${host}:${port}`;
  let address = own ? `s://${own}` : `${addressOf(host, port, host)}/v2`;
  if (settings.useSecureWebSocket !== undefined) {
    address = address.replace(/^s?/, settings.useSecureWebSocket ? 's' : '');
  }
  return createHub(`ws${address}`, settings.protocol ?? 'auto', settings.webSocketConstructor);
}

export class Client extends Emitter<ClientEvents> {
  declare readonly config: string | ClientConfig | undefined;
  /** Settings of this client alone; to be changed before `connect()`. */
  readonly neonConfig: Configuration = {};
  declare readonly user: string;
  declare readonly database: string;
  declare readonly host: string;
  declare readonly port: number;
  readonly ssl = false;
  declare password: ClientConfig['password'];
  declare readonly connection: Connection;
  readonly #parameters: ConnectionParameters;
  readonly #options: ClientConfig;
  readonly #types: Types;
  #hub: Hub | undefined;
  #session: Session | undefined;
  #state: 'new' | 'connecting' | 'ready' | 'ended' = 'new';
  /** Queries that have not been sent. */
  readonly #waiting: Entry[] = [];
  /** Ends the attempt to log in. */
  #giveUp: (error: PosternError) => void = () => {};
  #keepAlive: ReturnType<typeof setTimeout> | undefined;
  #lastSign = 0;

  /** `hub`: the WebSocket to share with others. */
  constructor(config?: string | ClientConfig, hub?: Hub) {
    super();
    this.#options = typeof config === 'object' ? config : {};
    this.#parameters = resolveParameters(config);
    this.#hub = hub;
    const { user, database, host, port, password } = this.#parameters;
    Object.assign(this, { user, database, host, port: Number(port) });
    // Not shown when somebody prints the client.
    Object.defineProperties(this, {
      config: { value: config },
      password: { value: password, writable: true },
      connection: { value: new Connection() },
    });
    this.#types = createTypes(this.#options.types ?? types);
  }

  /** Where it leads, and as whom: what instrumentations read. */
  get connectionParameters(): this {
    return this;
  }

  // By these zapatos tells a client from a pool, and pg-pool whether it may be lent again.
  /** @hidden */
  get _connected(): boolean {
    return this.isUsable;
  }
  /** @hidden */
  get _queryable(): boolean {
    return this.isUsable;
  }

  get processID(): number | null {
    return this.#session?.key().processID ?? null;
  }

  get secretKey(): Uint8Array | null {
    return this.#session?.key().secretKey ?? null;
  }

  /** Behind the last query: within a transaction, or a failed one. */
  get isInTransaction(): boolean {
    return this.#session?.isInTransaction() === true;
  }

  /** Can still be used. */
  get isUsable(): boolean {
    return this.#state === 'ready' && this.#session?.isOpen() === true;
  }

  /** Resolves when the server has accepted the password; queries may be given to the client before. */
  connect(): Promise<this>;
  connect(callback: Callback): void;
  connect(callback?: Callback): Promise<this> | undefined {
    return answer(this.#connect(), callback);
  }

  query<Row = Record<string, unknown>>(
    query: string | QueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  query<Row = Record<string, unknown>>(query: string | QueryConfig, callback: QueryCallback<Row>): void;
  query<Row = Record<string, unknown>>(
    query: string | QueryConfig,
    values: readonly unknown[] | undefined,
    callback: QueryCallback<Row>,
  ): void;
  query<Given extends Submittable>(submittable: Given): Given;
  query(
    given: string | QueryConfig | Submittable,
    values?: readonly unknown[] | QueryCallback,
    callback?: QueryCallback,
  ): unknown {
    if (given === null || given === undefined) throw createError('usage', 'no query text');
    if (typeof given === 'object' && 'submit' in given) {
      given.callback ??= typeof values === 'function' ? values : callback;
      if (given instanceof Query) this.#start(given, true);
      else this.submit(given, true);
      return given;
    }
    const query = new Query(given, values, callback);
    const result = query.callback
      ? undefined
      : new Promise((resolve, reject) => {
          query.callback = (error, results) => (error ? reject(error) : resolve(results));
        });
    const { text, rows } = query.config;
    // Behind COPY FROM STDIN whatever is sent would be taken for its data; behind a portion of rows, for what is asked next.
    this.#start(query, Boolean(rows) || /\bcopy\b/i.test(text));
    return result;
  }

  #start(query: Query, isExclusive: boolean): void {
    const isWatched = this.#watch(query);
    // Else it has its error already.
    if (!query.config.signal?.aborted) this.submit(query, isWatched || isExclusive);
  }

  /** Queues something that talks to the connection itself. */
  submit(query: Submittable, isExclusive: boolean): void {
    if (this.#state === 'ended') {
      const error = createError('connection', 'Client was closed', '08003', {
        safeToRetry: true,
      });
      queueMicrotask(() => failQuery(query, error, this.connection));
    } else {
      if (query instanceof Query) query.inherit(this.#types, this.#options.binary);
      this.#waiting.push({ query, isExclusive });
      this.#session?.pump();
    }
  }

  /** Cancels what is running on the server, which then says so, or takes the query out of the queue. */
  cancel(client: Client, query: Submittable): void {
    client.#cancel(query, false);
  }

  /** The same for a query that nobody waits for any more. */
  abandon(query: Submittable): void {
    this.#cancel(query, true);
  }

  #cancel(query: Submittable, isTold: boolean): void {
    const index = this.#waiting.findIndex((entry) => entry.query === query);
    if (index < 0) this.#session?.cancel(query, isTold);
    else this.#waiting.splice(index, 1);
  }

  /** Says goodbye. A running query is cancelled: its result would reach nobody. */
  end(): Promise<void>;
  end(callback: Callback): void;
  end(callback?: Callback): Promise<void> | undefined {
    if (this.#state !== 'ended') queueMicrotask(() => this.emit('end'));
    this.#state = 'ended';
    clearTimeout(this.#keepAlive);
    this.#giveUp(createError('connection', 'Connection terminated', '08003'));
    this.#session?.close();
    return answer(Promise.resolve(), callback);
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
    return openCursor<Row>(this, query, values, options?.batchSize);
  }

  /** Notifications on a channel, from when the first one is asked for. Leaving the loop ends the subscription. */
  listen(channel: string): AsyncGenerator<ChannelNotification> {
    return listen(this, channel);
  }

  escapeIdentifier(name: string): string {
    return quoteIdentifier(name);
  }

  escapeLiteral(text: string): string {
    return escapeLiteral(text);
  }

  setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser): void {
    this.#types.setTypeParser(oid, format as 'text', parser as TypeParser); // which understands both forms
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
    const askedAt = Date.now();
    if (askedAt - this.#lastSign < silenceMs) return true;
    return new Promise((resolve) => {
      const settle = (isAlive: boolean): void => {
        clearTimeout(timer);
        resolve(isAlive);
      };
      // Which tells all who wait, this one too.
      const timer = setTimeout(() => {
        const error = createError('connection', 'Connection terminated: no answer', '08006');
        this.connection.passenger.transport?.drop?.(error, askedAt); // those who share its WebSocket need not find out one by one
        this.#session?.close(error);
      }, aliveTimeoutMs);
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
    if (this.#state !== 'new') throw createError('usage', 'You cannot reuse a client');
    this.#state = 'connecting';
    const settings = { ...neonConfig, ...this.neonConfig };
    const giveUpAt = performance.now() + this.#parameters.connectTimeoutMs;
    let mayPipeline = settings.pipelineConnect !== false;
    try {
      if (!this.#parameters.hasTarget) throw createError('usage', 'no host or connection string');
      for (let attempt = 0; ; attempt++) {
        try {
          await this.#login(settings, mayPipeline, giveUpAt);
          break;
        } catch (caught) {
          const { safeToRetry, code } = caught as PosternError;
          // Without having sent anything else the server was asked for something it does not do.
          const mustAsk = code === '28000';
          if (!safeToRetry || !(mustAsk || (await backOff(attempt, giveUpAt)))) throw caught;
          if (mustAsk) mayPipeline = false;
        }
      }
    } catch (error) {
      this.#state = 'ended';
      for (const { query } of this.#waiting.splice(0)) failQuery(query, error as Error, this.connection);
      throw error;
    }
    if (this.#state === 'connecting') this.#state = 'ready';
    this.#lastSign = Date.now();
    this.emit('connect');
    return this;
  }

  /** One attempt. */
  async #login(settings: Configuration, mayPipeline: boolean, giveUpAt: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
      timer = setTimeout(
        () => {
          const error = createError('connection', 'Connection terminated due to connection timeout', '08001');
          this.#session?.close(error);
          this.#hub?.renew();
          reject(error);
        },
        clampTimeout(giveUpAt - performance.now()),
      );
    });
    try {
      const password = (await Promise.race([computed(this.password), tooLate])) ?? undefined;
      await this.#openSession(settings, mayPipeline, password).login();
    } finally {
      clearTimeout(timer);
    }
  }

  #openSession(settings: Configuration, mayPipeline: boolean, password: string | undefined): Session {
    // Meanwhile, or while it waited to try again, the program has ended it.
    if (this.#state !== 'connecting') throw createError('connection', 'Connection terminated', '08003');
    this.#hub ??= openHub(this.#parameters, settings);
    this.#session = createSession({
      hub: this.#hub,
      connection: this.connection,
      parameters: this.#parameters,
      password,
      isPipelined: mayPipeline && password !== undefined,
      waiting: this.#waiting,
      emitter: this,
      onDrain: (isFirst) => {
        this.#lastSign = Date.now();
        if (!isFirst) tell(() => this.emit('drain'));
        if (!this.#options.keepAlive) return;
        clearTimeout(this.#keepAlive);
        this.#keepAlive = setTimeout(() => {
          if (this.#session?.isIdle()) void this.isAlive(0);
        }, this.#options.keepAliveInitialDelayMillis || keepAliveMs);
        (this.#keepAlive as { unref?(): void }).unref?.();
      },
      onEnd: (error) => {
        if (this.#state === 'ended') return;
        this.#state = 'ended';
        clearTimeout(this.#keepAlive);
        // Callbacks of queries are called first. Of what the server said, whoever awaits a query hears first, as in node-postgres.
        (error?.severity ? setTimeout : queueMicrotask)(() => {
          if (error) tell(() => this.emit('error', error));
          this.emit('end');
        });
      },
    });
    return this.#session;
  }

  /** Timeouts and signals of a query; true if it has any. */
  #watch(query: Query): boolean {
    const { signal, query_timeout } = query.config;
    const timeoutMs = clampTimeout(query_timeout ?? this.#parameters.queryTimeoutMs);
    if (!signal && !timeoutMs) return false;
    const stop = (error: Error): void => {
      this.abandon(query);
      query.settle(error);
    };
    const abort = (): void => stop(abortError(signal as AbortSignal)); // it has one
    const timer = timeoutMs
      ? setTimeout(() => stop(createError('connection', 'Query read timeout', '57014')), timeoutMs)
      : undefined;
    const { callback } = query;
    query.callback = (error, results) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      callback?.(error, results);
    };
    if (signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener('abort', abort);
    return true;
  }
}
