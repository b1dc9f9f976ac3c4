/** A node-postgres `Pool`. With Postern, all its clients share one WebSocket. */
import { type Configuration, neonConfig } from '../config.ts';
import { postern } from '../http/query-function.ts';
import { createError, PosternError } from '../postern-error.ts';
import { Emitter } from '../ws/emitter.ts';
import type { Hub } from '../ws/transport.ts';
import { answer } from './callback.ts';
import { Client, openHub, type QueryResult } from './client.ts';
import { type ClientConfig, clampTimeout, resolveParameters } from './connection-parameters.ts';
import { abortError, failQuery, type QueryCallback, type QueryConfig, type Submittable } from './query.ts';

export interface PoolConfig extends ClientConfig {
  /** Clients at once. Default 10. */
  max?: number | undefined;
  /** Clients kept although idle. Default 0. */
  min?: number | undefined;
  /** Default 10 s; 0: for ever. */
  idleTimeoutMillis?: number | null | undefined;
  /** Uses after which a client is replaced. */
  maxUses?: number | undefined;
  /** Age after which a client is replaced. 0: never. */
  maxLifetimeSeconds?: number | undefined;
  /** The timers of idle clients do not keep the process alive; whether their WebSocket does is for the runtime to say. */
  allowExitOnIdle?: boolean | undefined;
  /** What the server speaks, instead of `neonConfig.protocol`. */
  protocol?: Configuration['protocol'];
  log?: ((...messages: unknown[]) => void) | undefined;
  /** Run on each new client before it is used. */
  onConnect?: ((client: PoolClient) => unknown) | undefined;
  verify?: ((client: PoolClient, callback: (error?: Error) => void) => void) | undefined;
  Client?: typeof Client | undefined;
  Promise?: PromiseConstructorLike | undefined;
}

export interface PoolClient extends Client {
  /** Gives it back; with an error, or true, it is not used again. */
  release(error?: Error | boolean): void;
}

interface Member {
  readonly client: PoolClient;
  readonly bornAt: number;
  uses: number;
  idleTimer?: ReturnType<typeof setTimeout> | undefined;
}

const defaultMax = 10;
const defaultIdleTimeoutMs = 10_000;

/** Events of a pool. */
export interface PoolEvents {
  connect: [client: PoolClient];
  acquire: [client: PoolClient];
  release: [error: Error | boolean | undefined, client: PoolClient];
  remove: [client: PoolClient];
  error: [error: PosternError, client: PoolClient];
}

export class Pool extends Emitter<PoolEvents> {
  declare readonly options: PoolConfig & { max: number; min: number };
  declare readonly Client: typeof Client;
  ending = false;
  ended = false;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  /** Each takes a member, or is told that the pool has ended. */
  readonly #waiters: ((member?: Member) => void)[] = [];
  #hub: Hub | undefined;
  #onEnded: () => void = () => {};

  constructor(options: PoolConfig | string = {}) {
    super();
    const given: PoolConfig = typeof options === 'string' ? { connectionString: options } : options;
    const { password, connectionString, ...shown } = given;
    this.options = { ...shown, max: given.max || defaultMax, min: given.min || 0 };
    // Not shown when somebody prints the pool.
    Object.defineProperties(this.options, {
      password: { value: password, writable: true },
      connectionString: { value: connectionString, writable: true },
    });
    this.Client = given.Client ?? Client;
  }

  get totalCount(): number {
    return this.#members.size;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waitingCount(): number {
    return this.#waiters.length;
  }

  get expiredCount(): number {
    return [...this.#members].filter((member) => this.#isExpired(member)).length;
  }

  /** Somebody wants to see clients come and go: queries cannot go over HTTP. */
  get hasFetchUnsupportedListeners(): boolean {
    return this.eventNames().some((event) => event !== 'error');
  }

  /** A client of one's own, until it is released. */
  connect(): Promise<PoolClient>;
  connect(
    callback: (error: Error | undefined, client: PoolClient | undefined, release: PoolClient['release']) => void,
  ): void;
  connect(
    callback?: (error: Error | undefined, client: PoolClient | undefined, release: PoolClient['release']) => void,
  ): Promise<PoolClient> | undefined {
    const connected = this.#acquire().then(async ([member, isNew]) => {
      if (isNew) await this.#introduce(member);
      const { client } = member;
      let isReleased = false;
      client.release = (error) => {
        if (isReleased) {
          throw createError('usage', 'Release called on client which has already been released to the pool.');
        }
        isReleased = true;
        this.#release(member, error);
      };
      this.emit('acquire', client);
      return client;
    });
    return answer(
      connected,
      callback &&
        ((error: Error | undefined, client?: PoolClient) =>
          callback(error ?? undefined, client, client ? client.release : () => {})),
    );
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
    query: string | QueryConfig | Submittable,
    values?: readonly unknown[] | QueryCallback,
    callback: QueryCallback | undefined = typeof values === 'function' ? values : undefined,
  ): unknown {
    if (typeof query === 'object' && query && 'submit' in query) {
      this.#submit(query);
      return query;
    }
    const result = this.#query(query, typeof values === 'function' ? undefined : values);
    return answer(result, callback);
  }

  /** Waits for clients that are lent, and closes all of them. */
  end(): Promise<void>;
  end(callback: () => void): void;
  end(callback?: () => void): Promise<void> | undefined {
    return answer(this.#end(), callback);
  }

  async #end(): Promise<void> {
    // The same text three times: gzip makes less of that than of a function.
    if (this.ending) throw createError('usage', 'Cannot use a pool after calling end on the pool');
    this.ending = true;
    for (const member of this.#idle.splice(0)) this.#remove(member);
    for (const tell of this.#waiters.splice(0)) tell();
    if (this.#members.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEnded = resolve;
      });
    }
    this.ended = true;
  }

  async #query(query: string | QueryConfig, values: readonly unknown[] | undefined): Promise<unknown> {
    if (query === null || query === undefined || typeof query === 'function') {
      throw createError('usage', 'no query text');
    }
    const config = typeof query === 'string' ? { text: query } : query;
    const { signal } = config;
    const mayFetch = neonConfig.poolQueryViaFetch && !this.hasFetchUnsupportedListeners;
    if (mayFetch && !config.rows && !signal && !config.binary) return this.#fetch(config, values);
    if (!signal) return this.#run(config, values);
    if (signal.aborted) throw abortError(signal);
    return new Promise((resolve, reject) => {
      // Wherever it is: waiting for a client, for that to log in, or for the server.
      const abort = (): void => reject(abortError(signal));
      signal.addEventListener('abort', abort);
      const result = this.#run(config, values);
      result.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
    });
  }

  async #run(config: QueryConfig, values: readonly unknown[] | undefined): Promise<unknown> {
    const [member, isNew] = await this.#acquire();
    const { client } = member;
    const { onConnect, verify } = this.options;
    let result: Promise<unknown> | undefined;
    const start = (): void => {
      result ??= client.query(config, values);
      result.catch(() => {}); // awaited below
    };
    // The first query of a new client does not wait for its log-in, unless somebody wants to be first.
    const mayStart = !onConnect && !verify && this.listenerCount('connect') === 0;
    if (isNew) await this.#introduce(member, mayStart ? start : undefined);
    this.emit('acquire', client);
    start();
    const failed = await result!.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (config.signal?.aborted) await client.isAlive(0); // what was abandoned has been answered
    const mayStay = failed instanceof PosternError && failed.kind !== 'connection' && !client.isInTransaction;
    this.#release(member, mayStay ? undefined : failed);
    return result;
  }

  #submit(query: Submittable): void {
    this.connect().then(
      (client) => {
        const done = (): void => {
          client.off('drain', done).off('end', done);
          client.release();
        };
        client.on('drain', done).on('end', done);
        client.query(query);
      },
      (error: Error) => failQuery(query, error, undefined),
    );
  }

  async #fetch(config: QueryConfig, values: readonly unknown[] | undefined): Promise<unknown> {
    const { connectionString, types } = this.options;
    const { user, password, host, port, database, queryTimeoutMs } = resolveParameters(this.options);
    const timeoutMs = clampTimeout(config.query_timeout ?? queryTimeoutMs);
    const sql = postern({
      connectionString,
      user,
      password: password ?? undefined,
      database,
      ...(connectionString === undefined && { host, port }),
    });
    return sql.query(config.text, values ?? config.values, {
      fullResults: true,
      arrayMode: config.rowMode === 'array',
      types: config.types ?? types,
      signal: timeoutMs ? AbortSignal.timeout(timeoutMs) : undefined,
    });
  }

  /** A member, and whether it has yet to be introduced. */
  async #acquire(): Promise<[member: Member, isNew: boolean]> {
    if (this.ending) throw createError('usage', 'Cannot use a pool after calling end on the pool');
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.idleTimer);
      // It may not be alive, after a freeze of the whole program, say.
      if (!this.#isExpired(idle) && (await idle.client.isAlive())) return [idle, false];
      this.#remove(idle);
    }
    const { connectionTimeoutMillis, max } = this.options;
    const waiting = (): Promise<Member> =>
      new Promise((resolve, reject) => {
        const waiter = (member?: Member): void => {
          clearTimeout(timer);
          if (member) resolve(member);
          else reject(createError('usage', 'Cannot use a pool after calling end on the pool'));
        };
        this.#waiters.push(waiter);
        const timer =
          connectionTimeoutMillis &&
          setTimeout(() => {
            this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
            reject(
              createError('connection', 'timeout exceeded when trying to connect', '53300', { safeToRetry: true }),
            );
          }, connectionTimeoutMillis);
      });
    const member = this.#members.size < max ? this.#add() : await waiting();
    return [member, !member.client.isUsable];
  }

  #add(): Member {
    const { options } = this;
    const { protocol = neonConfig.protocol } = options;
    this.#hub ??= openHub(resolveParameters(options), { ...neonConfig, protocol });
    const client = new this.Client(options, this.#hub) as PoolClient; // gets `release` when it is lent
    const member: Member = { client, bornAt: Date.now(), uses: 0 };
    this.#members.add(member);
    client.on('error', (error: Error) => {
      // Whoever has it sees the error.
      if (this.#removeIdle(member)) this.emit('error', error, client);
    });
    return member;
  }

  /** `early` is called when queries may be given to it. If it cannot be used, it is not a member any more. */
  async #introduce(member: Member, early?: () => void): Promise<void> {
    const { client } = member;
    const { onConnect, verify } = this.options;
    try {
      const connected = client.connect();
      early?.();
      await connected;
      await onConnect?.(client);
      if (verify) {
        await new Promise<void>((resolve, reject) => {
          verify(client, (error) => (error ? reject(error) : resolve()));
        });
      }
      this.emit('connect', client);
    } catch (error) {
      this.#remove(member);
      throw error;
    }
  }

  #release(member: Member, error: Error | boolean | undefined): unknown {
    const { client } = member;
    const { maxUses = Infinity, idleTimeoutMillis = defaultIdleTimeoutMs, allowExitOnIdle, min } = this.options;
    member.uses++;
    this.emit('release', error, client);
    if (error || this.ending || !client.isUsable || member.uses >= maxUses || this.#isExpired(member)) {
      return this.#remove(member);
    }
    const waiter = this.#waiters.shift();
    if (waiter) return waiter(member);
    this.#idle.push(member);
    if (!idleTimeoutMillis) return undefined;
    const timer = setTimeout(() => {
      if (this.#members.size > min) this.#removeIdle(member);
    }, idleTimeoutMillis);
    member.idleTimer = timer;
    return allowExitOnIdle && (timer as { unref?(): void }).unref?.();
  }

  /** False: it is not idle. */
  #removeIdle(member: Member): boolean {
    const index = this.#idle.indexOf(member);
    if (index < 0) return false;
    this.#idle.splice(index, 1);
    this.#remove(member);
    return true;
  }

  #remove(member: Member): void {
    if (!this.#members.delete(member)) return;
    clearTimeout(member.idleTimer);
    void member.client.end();
    this.emit('remove', member.client);
    // Its place is free: whoever waits gets a new one.
    if (!this.ending) this.#waiters.shift()?.(this.#add());
    else if (this.#members.size === 0) this.#onEnded();
  }

  #isExpired({ bornAt }: Member): boolean {
    const { maxLifetimeSeconds } = this.options;
    return Date.now() - bornAt > (maxLifetimeSeconds || Infinity) * 1000;
  }
}
