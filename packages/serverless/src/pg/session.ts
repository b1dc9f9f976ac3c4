/**
 * A logged-in (or soon to be) Postgres session over some transport: start-up, authentication, the queue of queries. Queries
 * that do not depend on each other are sent without waiting; each has its own Sync, so they do not share their errors.
 */
import { connectionError, PosternError, protocolError } from '../postern-error.ts';
import type { FieldDef } from '../values/rows.ts';
import { Connection, readError, readFields, readRow } from '../ws/connection.ts';
import { createDecoder, decodeText, int32, packet, Reader } from '../ws/packet.ts';
import { createScram, type Scram } from '../ws/scram.ts';
import type { Hub, Passenger } from '../ws/transport.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { failQuery, type Submittable } from './query.ts';

export interface SessionHandlers {
  onNotice(notice: PosternError): void;
  onNotification(notification: { channel: string; payload: string; processId: number }): void;
  /** Nothing is running or waiting any more. */
  onDrain(): void;
  /** Over; `error` unless it was asked for. Queries have been told already. */
  onEnd(error: PosternError | undefined): void;
}

/** A query in a queue. */
export interface Entry {
  readonly query: Submittable;
  /** Nothing is sent while it runs, and it is not sent while anything runs. */
  readonly isExclusive: boolean;
  /** Its error has been told; what still comes for it is dropped. */
  hasFailed?: boolean;
}

export interface SessionOptions {
  readonly hub: Hub;
  readonly parameters: ConnectionParameters;
  readonly password: string | undefined;
  /** Send the password without being asked. */
  readonly isPipelined: boolean;
  /** Queries that were not sent. Those of an attempt that may be repeated come back to it. */
  readonly waiting: Entry[];
  readonly handlers: SessionHandlers;
}

/** Unanswered queries; enough to fill a round trip, few enough to bound what the server must hold. */
const maxInFlight = 64;
/** A cancel that takes longer means that the server is not there any more. */
const cancelTimeoutMs = 10_000;
const cancelRequestCode = 80_877_102;
const protocolVersion = 196_608;

/** Messages that queries, and listeners of the connection, are told of; `handle…` and `on` have these names. */
const eventNames: Readonly<Record<string, string>> = {
  1: 'ParseComplete',
  2: 'BindComplete',
  3: 'CloseComplete',
  n: 'NoData',
  s: 'PortalSuspended',
  I: 'EmptyQuery',
  G: 'CopyInResponse',
  H: 'CopyOutResponse',
  W: 'CopyBothResponse',
  c: 'CopyDone',
  d: 'CopyData',
  T: 'RowDescription',
  C: 'CommandComplete',
};

export class Session {
  readonly connection: Connection;
  processID: number | null = null;
  secretKey: Uint8Array | null = null;
  readonly #options: SessionOptions;
  readonly #passenger: Passenger;
  #state: 'connecting' | 'ready' | 'closed' = 'connecting';
  /** Queries may be sent: the session is open, or what is said first may hold them. */
  #mayPump = false;
  #hasSentQueries = false;
  readonly #inFlight: Entry[] = [];
  #cancels = 0;
  #scram: Scram | undefined;
  /** An error that ends the session: the reason behind the close that follows. */
  #fatal: PosternError | undefined;
  #columns: readonly FieldDef[] = [];
  #onReady: (error?: PosternError) => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    const { hub, parameters, password, isPipelined } = options;
    const decode = createDecoder((type, body) => this.#receive(type, body));
    this.#passenger = {
      transport: undefined,
      first: (speaks) => {
        const { connection } = this;
        connection.takeWrites();
        const { startup, posternOptions } = parameters;
        const more = speaks === 'postern' ? posternOptions : [];
        connection.send('', int32(protocolVersion), ...startup, ...more, new Uint8Array(1));
        if (isPipelined) {
          connection.send('p', password ?? '');
          if (speaks === 'neon' || hub.isCertain()) this.#open();
        }
        return connection.takeWrites();
      },
      onOpen: () => {
        if (isPipelined) this.#open();
      },
      onBytes: (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          this.close(error as PosternError);
        }
      },
      onClose: (error, wasHeard) => {
        const safeToRetry = !wasHeard && !this.#hasSentQueries && this.#state === 'connecting';
        this.#end(this.#fatal ?? Object.assign(error, { safeToRetry }));
      },
    };
    this.connection = new Connection(this.#passenger, () => this.close());
  }

  get isIdle(): boolean {
    return this.#inFlight.length + this.#options.waiting.length + this.#cancels === 0;
  }

  get isOpen(): boolean {
    return this.#state === 'ready';
  }

  /** Resolves when the session is ready for queries. */
  login(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReady = (error) => (error ? reject(error) : resolve());
      this.#options.hub.open(this.#passenger);
    });
  }

  /** Ends it; `error` is for those who still wait. */
  close(error?: PosternError): void {
    if (this.#state === 'closed') return;
    if (this.isIdle && this.isOpen) {
      this.connection.end();
      this.connection.flushWrites();
    }
    this.#end(error);
  }

  /** Asks the server to cancel a query, if it is running it. */
  abandon(query: Submittable): void {
    const entry = this.#inFlight.find((candidate) => candidate.query === query);
    if (!entry) return;
    entry.hasFailed = true;
    const { processID, secretKey } = this;
    const giveUp = (): void => this.close(connectionError('Connection terminated: the server did not answer'));
    if (processID === null || secretKey === null) {
      giveUp();
      return;
    }
    // Nothing is sent until that is settled: it might be hit instead.
    this.#cancels++;
    const timer = setTimeout(giveUp, cancelTimeoutMs);
    const onClose = (): void => {
      clearTimeout(timer);
      this.#cancels--;
      this.pump();
    };
    const first = (): Uint8Array => packet('', int32(cancelRequestCode), int32(processID), secretKey);
    try {
      this.#options.hub.open({ transport: undefined, first, onOpen() {}, onBytes() {}, onClose });
    } catch {
      onClose();
    }
  }

  #open(): void {
    this.#mayPump = true;
    this.pump();
  }

  /** Sends what may be sent of what waits. */
  pump(): void {
    const { waiting, handlers } = this.#options;
    while (this.#mayPump && this.#cancels === 0 && this.#state !== 'closed') {
      const next = waiting[0];
      const last = this.#inFlight.at(-1);
      if (!next || (last && (last.isExclusive || next.isExclusive || this.#inFlight.length >= maxInFlight))) return;
      waiting.shift();
      this.#inFlight.push(next);
      const error = next.query.submit(this.connection);
      if (error) {
        this.#inFlight.pop();
        failQuery(next.query, error as Error, this.connection);
        if (this.isIdle) queueMicrotask(() => this.isIdle && handlers.onDrain());
      } else this.#hasSentQueries = true;
    }
  }

  #end(error: PosternError | undefined): void {
    if (this.#state === 'closed') return;
    const { waiting, handlers } = this.#options;
    const { connection } = this;
    const wasConnecting = this.#state === 'connecting';
    this.#state = 'closed';
    this.#passenger.transport?.close();
    const reason = error ?? connectionError('Connection terminated', '08003');
    const inFlight = this.#inFlight.splice(0);
    if (wasConnecting && reason.safeToRetry) waiting.unshift(...inFlight);
    else {
      for (const { query, hasFailed } of inFlight) if (!hasFailed) failQuery(query, reason, connection);
      const unsent = new PosternError(reason.message, { ...reason, safeToRetry: true, sourceError: reason });
      for (const { query } of waiting.splice(0)) failQuery(query, wasConnecting ? reason : unsent, connection);
    }
    connection.emit('end');
    if (wasConnecting) this.#onReady(reason);
    else handlers.onEnd(error);
  }

  #receive(type: string, body: Uint8Array): unknown {
    if (this.#state === 'closed') return undefined;
    const { connection } = this;
    const { handlers } = this.#options;
    const entry = this.#inFlight[0];
    const query = this.isOpen && !entry?.hasFailed ? entry?.query : undefined;
    const reader = new Reader(body);
    if (type === 'D') return query?.handleDataRow?.({ fields: readRow(reader, this.#columns) }, connection);
    if (type === 'Z') return this.#ready(decodeText(body));
    if (type === 'N') return handlers.onNotice(readError(body, 'notice'));
    if (type === 'R') return this.#authenticate(reader.int32(), reader.bytes().slice());
    if (type === 'A') {
      const processId = reader.int32();
      return handlers.onNotification({ processId, channel: reader.text(), payload: reader.text() });
    }
    if (type === 'K') {
      this.processID = reader.int32();
      this.secretKey = reader.bytes().slice();
    }
    if (type === 'E') {
      const error = readError(body, 'error');
      if (/FATAL|PANIC/.test(`${error.severity}`)) this.#fatal = error;
      if (!this.isOpen) return this.#end(error);
      if (query && entry) {
        entry.hasFailed = !('settle' in query);
        query.handleError?.(error, connection);
      }
      connection.emit('errorMessage', error);
    }
    const name = eventNames[type];
    if (!name) return undefined;
    const event = name.replace(/^./, (letter) => letter.toLowerCase());
    const message: { name: string; text?: string; chunk?: Uint8Array; fields?: FieldDef[] } = { name: event };
    if (type === 'T') this.#columns = message.fields = readFields(reader);
    if (type === 'C') message.text = reader.text();
    if (type === 'd') message.chunk = body.slice();
    const handle = query?.[`handle${name}` as 'handleCommandComplete'] as ((...about: unknown[]) => void) | undefined;
    if (type === 'G' && !handle) connection.sendCopyFail('abandoned');
    // Messages without content are not handed on.
    handle?.apply(query, /[TCd]/.test(type) ? [message, connection] : [connection]);
    return connection.emit(event, message);
  }

  #ready(status: string): void {
    if (this.#state === 'connecting') {
      this.#state = 'ready';
      this.#mayPump = true;
      this.#onReady();
    } else {
      const entry = this.#inFlight.shift();
      if (!entry?.hasFailed) entry?.query.handleReadyForQuery?.(this.connection);
      this.connection.emit('readyForQuery', { name: 'readyForQuery', status });
    }
    this.pump();
    if (this.isIdle) this.#options.handlers.onDrain();
  }

  /** Throws at once: what comes behind in the same bytes must not be believed. */
  #authenticate(method: number, data: Uint8Array): void {
    const { connection } = this;
    const { isPipelined, password } = this.#options;
    const scram = this.#scram;
    if (method === 0) {
      if (scram?.isVerified() === false) throw protocolError('SASL: the server skipped its proof', '28000');
    } else if (isPipelined) {
      // The only thing that is sent unasked is a password in clear. See `mustAsk` in client.ts.
      if (method !== 3) {
        throw protocolError('the server wants another kind of authentication', '28000', { safeToRetry: true });
      }
    } else if (password === undefined) {
      throw new PosternError('the server asks for a password, and there is none', { kind: 'usage', code: '28P01' });
    } else if (method === 3) connection.send('p', password);
    else if (method === 10) {
      this.#scram = createScram(password);
      const { first } = this.#scram;
      connection.send('p', 'SCRAM-SHA-256', int32(first.length), first);
    } else if (method === 11 && scram) {
      scram.answer(data).then(
        (proof) => connection.send('p', proof),
        (error: PosternError) => this.close(error),
      );
    } else if (method === 12 && scram) scram.verify(data);
    else throw protocolError(`the server asks for authentication method ${method}, which is not supported`, '0A000');
  }
}
