/** A node-postgres `Pool`. With Postern, all its clients share one WebSocket. */
import { type Configuration, neonConfig } from '../config.ts';
import { postern } from '../http/query-function.ts';
import { PosternError, usageError } from '../postern-error.ts';
import { Emitter, type Listener } from '../ws/emitter.ts';
import { createHub, type Hub } from '../ws/transport.ts';
import { Client, type QueryResult, webSocketUrl } from './client.ts';
import { type ClientConfig, resolveParameters } from './connection-parameters.ts';
import type { QueryCallback, QueryConfig, Submittable } from './query.ts';

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
  /** Idle clients do not keep the process alive. */
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
  idleTimer: ReturnType<typeof setTimeout> | undefined;
}

interface Waiter {
  resolve(member: Member): void;
  reject(error: unknown): void;
}

const defaultMax = 10;
const defaultIdleTimeoutMs = 10_000;

export class Pool extends Emitter {
  readonly options: PoolConfig & { max: number; min: number };
  readonly Client: typeof Client;
  ending = false;
  ended = false;
  /** Somebody wants to see clients come and go: queries cannot go over HTTP. */
  hasFetchUnsupportedListeners = false;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  readonly #waiters: Waiter[] = [];
  #hub: Hub | undefined;
  #onEnded: () => void = () => {};

  constructor(options: PoolConfig | string = {}) {
    super();
    const given = typeof options === 'string' ? { connectionString: options } : options;
    this.options = { ...given, max: given.max || defaultMax, min: given.min || 0 };
    // Not shown when somebody prints the pool.
    for (const key of ['password', 'connectionString'] as const) {
      Object.defineProperty(this.options, key, { enumerable: false, value: given[key], writable: true });
    }
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

  override on(event: string | symbol, listener: Listener): this {
    if (event !== 'error') this.hasFetchUnsupportedListeners = true;
    return super.on(event, listener);
  }

  override once(event: string | symbol, listener: Listener): this {
    if (event !== 'error') this.hasFetchUnsupportedListeners = true;
    return super.once(event, listener);
  }

  /** A client of one's own, until it is released. */
  connect(): Promise<PoolClient>;
  connect(
    callback: (error: Error | undefined, client: PoolClient | undefined, release: PoolClient['release']) => void,
  ): void;
  connect(
    callback?: (error: Error | undefined, client: PoolClient | undefined, release: PoolClient['release']) => void,
  ): Promise<PoolClient> | undefined {
    const connected = this.#acquire(async (member, isNew) => {
      if (isNew) await this.#introduce(member);
      return member;
    }).then((member) => this.#lend(member));
    if (!callback) return connected;
    connected.then(
      (client) => callback(undefined, client, (error) => client.release(error)),
      (error) => callback(error, undefined, () => {}),
    );
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
    query: string | QueryConfig | Submittable,
    values?: readonly unknown[] | QueryCallback,
    callback: QueryCallback | undefined = typeof values === 'function' ? values : undefined,
  ): unknown {
    if (typeof query === 'object' && query !== null && 'submit' in query) {
      this.#submit(query);
      return query;
    }
    const parameters = typeof values === 'function' ? undefined : values;
    const result =
      typeof query === 'function' || query === null || query === undefined
        ? Promise.reject(usageError('pool.query() needs a text or a query configuration'))
        : this.#mayFetch(query)
          ? this.#fetch(query, parameters)
          : this.#run(query, parameters);
    if (!callback) return result;
    result.then(
      (value) => callback(undefined, value),
      (error) => callback(error, undefined),
    );
    return undefined;
  }

  /** Waits for clients that are lent, and closes all of them. */
  end(): Promise<void>;
  end(callback: () => void): void;
  end(callback?: () => void): Promise<void> | undefined {
    const ended = this.#end();
    if (!callback) return ended;
    ended.then(callback, callback);
    return undefined;
  }

  async #end(): Promise<void> {
    if (this.ending) throw usageError('Called end on pool more than once');
    this.ending = true;
    for (const member of this.#idle.splice(0)) this.#remove(member);
    for (const { reject } of this.#waiters.splice(0))
      reject(usageError('Cannot use a pool after calling end on the pool'));
    if (this.#members.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEnded = resolve;
      });
    }
    this.ended = true;
  }

  /** The first query of a new client does not wait for its log-in. */
  async #run(query: string | QueryConfig, values: readonly unknown[] | undefined): Promise<unknown> {
    let result: Promise<unknown> | undefined;
    const start = (member: Member): void => {
      result ??= member.client.query(query, values);
      result.catch(() => {}); // awaited below
    };
    const hasHooks = this.options.onConnect || this.options.verify || this.listenerCount('connect') > 0;
    const member = await this.#acquire(async (acquired, isNew) => {
      if (isNew && hasHooks) await this.#introduce(acquired);
      else if (isNew) {
        const connected = acquired.client.connect();
        start(acquired);
        await connected;
      }
      return acquired;
    });
    this.emit('acquire', member.client);
    start(member);
    const failed = await result!.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    this.#release(member, failed instanceof PosternError && failed.kind !== 'connection' ? undefined : failed);
    return result;
  }

  #submit(query: Submittable): void {
    this.connect().then(
      (client) => {
        const { connection } = client;
        client.query(query);
        connection?.once('readyForQuery', () => client.release());
        connection?.once('end', () => client.release(true));
      },
      (error: Error) => query.handleError?.(error, undefined as never),
    );
  }

  #mayFetch(query: string | QueryConfig): boolean {
    const isPlain = typeof query === 'string' || !(query.rows || query.signal || query.binary);
    return neonConfig.poolQueryViaFetch === true && !this.hasFetchUnsupportedListeners && isPlain;
  }

  async #fetch(query: string | QueryConfig, values: readonly unknown[] | undefined): Promise<unknown> {
    const config = typeof query === 'string' ? { text: query } : query;
    const { connectionString, host, user, database, port, password } = this.options;
    const sql = postern(connectionString ?? { host, user, database, port, password: password ?? undefined }, {
      ...(typeof password === 'function' && { password }),
    });
    return sql.query(config.text, values ?? config.values, {
      fullResults: true,
      arrayMode: config.rowMode === 'array',
      types: config.types ?? this.options.types,
    });
  }

  /** `prepare` is what a client needs before it is used; if it fails, the client is not. */
  async #acquire(prepare: (member: Member, isNew: boolean) => Promise<Member>): Promise<Member> {
    if (this.ending) throw usageError('Cannot use a pool after calling end on the pool');
    for (;;) {
      const idle = this.#idle.pop();
      if (idle) {
        clearTimeout(idle.idleTimer);
        // After a freeze of the whole program, say.
        if (!(await idle.client.isAlive())) {
          this.#remove(idle);
          continue;
        }
        return prepare(idle, false);
      }
      if (this.#members.size >= this.options.max) {
        const member = await this.#wait();
        return member.client.isUsable ? prepare(member, false) : this.#prepareNew(prepare, member);
      }
      return this.#prepareNew(prepare, this.#add());
    }
  }

  async #prepareNew(prepare: (member: Member, isNew: boolean) => Promise<Member>, member: Member): Promise<Member> {
    try {
      return await prepare(member, true);
    } catch (error) {
      this.#remove(member);
      throw error;
    }
  }

  #wait(): Promise<Member> {
    const { connectionTimeoutMillis } = this.options;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve(member) {
          clearTimeout(timer);
          resolve(member);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiters.push(waiter);
      const timer = connectionTimeoutMillis
        ? setTimeout(() => {
            this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
            reject(
              new PosternError('timeout exceeded when trying to connect', {
                kind: 'connection',
                code: '53300',
                safeToRetry: true,
              }),
            );
          }, connectionTimeoutMillis)
        : undefined;
    });
  }

  #add(): Member {
    const settings = neonConfig;
    const { host, port } = resolveParameters(this.options);
    this.#hub ??= createHub({
      url: webSocketUrl(settings, host, port),
      protocol: this.options.protocol ?? settings.protocol ?? 'auto',
      webSocketConstructor: settings.webSocketConstructor,
    });
    const client = new this.Client(this.options, this.#hub) as PoolClient; // gets `release` when it is lent
    const member: Member = { client, bornAt: Date.now(), uses: 0, idleTimer: undefined };
    this.#members.add(member);
    client.on('error', (error: Error) => {
      const index = this.#idle.indexOf(member);
      if (index < 0) return; // whoever has it sees the error
      this.#idle.splice(index, 1);
      this.#remove(member);
      super.emit('error', error, client);
    });
    return member;
  }

  async #introduce({ client }: Member): Promise<void> {
    await client.connect();
    await this.options.onConnect?.(client);
    const { verify } = this.options;
    if (verify) {
      await new Promise<void>((resolve, reject) => {
        verify(client, (error) => (error ? reject(error) : resolve()));
      });
    }
    this.emit('connect', client);
  }

  #lend(member: Member): PoolClient {
    const { client } = member;
    let isReleased = false;
    client.release = (error) => {
      if (isReleased) throw usageError('Release called on client which has already been released to the pool.');
      isReleased = true;
      this.#release(member, error);
    };
    this.emit('acquire', client);
    return client;
  }

  #release(member: Member, error: Error | boolean | undefined): void {
    member.uses++;
    this.emit('release', error, member.client);
    const { maxUses = Infinity } = this.options;
    if (error || this.ending || !member.client.isUsable || member.uses >= maxUses || this.#isExpired(member)) {
      this.#remove(member);
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(member);
    else this.#park(member);
  }

  #park(member: Member): void {
    const { idleTimeoutMillis = defaultIdleTimeoutMs, allowExitOnIdle } = this.options;
    this.#idle.push(member);
    if (!idleTimeoutMillis) return;
    member.idleTimer = setTimeout(() => {
      const index = this.#idle.indexOf(member);
      if (index < 0 || this.#members.size <= this.options.min) return;
      this.#idle.splice(index, 1);
      this.#remove(member);
    }, idleTimeoutMillis);
    if (allowExitOnIdle) (member.idleTimer as { unref?(): void }).unref?.();
  }

  #remove(member: Member): void {
    if (!this.#members.delete(member)) return;
    clearTimeout(member.idleTimer);
    void member.client.end();
    this.emit('remove', member.client);
    // Its place is free: whoever waits gets a new one.
    const waiter = this.ending ? undefined : this.#waiters.shift();
    if (waiter) waiter.resolve(this.#add());
    if (this.ending && this.#members.size === 0) this.#onEnded();
  }

  #isExpired({ bornAt }: Member): boolean {
    const { maxLifetimeSeconds } = this.options;
    return Boolean(maxLifetimeSeconds) && Date.now() - bornAt > Number(maxLifetimeSeconds) * 1000;
  }
}
