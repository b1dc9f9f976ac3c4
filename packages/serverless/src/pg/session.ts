/**
 * A logged-in (or soon to be) Postgres session over some transport: start-up, authentication, the queue of queries. Queries
 * that do not depend on each other are sent without waiting; each has its own Sync, so they do not share their errors.
 */
import { PosternError } from '../postern-error.ts';
import { type BackendMessage, Connection, readMessage } from '../ws/connection.ts';
import { createDecoder, int32, packet } from '../ws/packet.ts';
import { createScram, type Scram } from '../ws/scram.ts';
import type { Hub, Transport } from '../ws/transport.ts';
import type { Submittable } from './query.ts';

export interface SessionHandlers {
  onNotice(notice: PosternError): void;
  onNotification(notification: { channel: string; payload: string; processId: number }): void;
  /** Nothing is running or waiting any more. */
  onDrain(): void;
  /** Over; `error` unless it was asked for. Queries have been told already. */
  onEnd(error: PosternError | undefined): void;
}

export interface SessionOptions {
  readonly hub: Hub;
  readonly startup: readonly (readonly [string, string])[];
  readonly posternOptions: readonly (readonly [string, string])[];
  readonly password: string | undefined;
  /** Send the password without being asked. */
  readonly isPipelined: boolean;
  readonly handlers: SessionHandlers;
}

interface Entry {
  readonly query: Submittable;
  /** Nothing is sent while it runs, and it is not sent while anything runs. */
  readonly isExclusive: boolean;
  /** Its error has been told; what still comes for it is dropped. */
  hasFailed: boolean;
}

type State = 'connecting' | 'ready' | 'closed';

/** Unanswered queries; enough to fill a round trip, few enough to bound what the server must hold. */
const maxInFlight = 64;
/** A cancel that takes longer means that the server is not there any more. */
const cancelTimeoutMs = 10_000;
const cancelRequestCode = 80_877_102;
/** The pipelined password was not what the server wants. */
export const wantsDialogue = 'the server wants another kind of authentication';

export class Session {
  readonly connection: Connection;
  processID: number | null = null;
  secretKey: Uint8Array | null = null;
  readonly parameters: Map<string, string> = new Map();
  /** Of the last ReadyForQuery: I, T or E. */
  transactionStatus: string;
  readonly #options: SessionOptions;
  #transport: Transport | undefined;
  #state: State = 'connecting';
  /** Queries may be sent: the session is open, or what is said first may hold them. */
  #mayPump = false;
  #hasSentQueries = false;
  readonly #inFlight: Entry[] = [];
  readonly #waiting: Entry[] = [];
  #cancels = 0;
  #scram: Scram | undefined;
  /** An error that ends the session: the reason behind the close that follows. */
  #fatal: PosternError | undefined;
  #formats: readonly string[] = [];
  #onReady: (error?: PosternError) => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.transactionStatus = 'I';
    this.connection = new Connection({
      send: (bytes) => this.#transport?.write(bytes),
      destroy: () => this.close(),
      pause: () => this.#transport?.pause(),
      resume: () => this.#transport?.resume(),
      bufferedBytes: () => this.#transport?.bufferedBytes ?? 0,
    });
  }

  get isIdle(): boolean {
    return this.#inFlight.length + this.#waiting.length + this.#cancels === 0;
  }

  get isOpen(): boolean {
    return this.#state === 'ready';
  }

  /** Takes over queries that were queued before. */
  adopt(queries: readonly (readonly [Submittable, boolean])[]): void {
    for (const [query, isExclusive] of queries) this.#waiting.push({ query, isExclusive, hasFailed: false });
  }

  /** Resolves when the session is ready for queries. */
  login(): Promise<void> {
    const { hub, startup, posternOptions, password, isPipelined } = this.#options;
    const decode = createDecoder((type, body) => this.#receive(type, body));
    return new Promise((resolve, reject) => {
      this.#onReady = (error) => (error ? reject(error) : resolve());
      this.#transport = hub.open({
        first: (speaks) => {
          const settings = speaks === 'postern' ? [...startup, ...posternOptions] : startup;
          this.connection.takeWrites();
          this.connection.write(packet('', int32(196_608), ...settings.flat(), new Uint8Array(1)));
          if (isPipelined) {
            this.connection.write(packet('p', password ?? ''));
            if (speaks === 'neon' || hub.isCertain) {
              this.#mayPump = true;
              this.#pump();
            }
          }
          return this.connection.takeWrites();
        },
        onOpen: () => {
          if (isPipelined) this.#mayPump = true;
          this.#pump();
        },
        onBytes: (bytes) => {
          try {
            decode(bytes);
          } catch (error) {
            this.close(error as PosternError);
          }
        },
        onClose: (error, wasHeard) => {
          const mayHaveRun = wasHeard || this.#hasSentQueries;
          this.#end(this.#fatal ?? Object.assign(error, { safeToRetry: !mayHaveRun && this.#state === 'connecting' }));
        },
      });
    });
  }

  submit(query: Submittable, isExclusive: boolean): void {
    this.#waiting.push({ query, isExclusive, hasFailed: false });
    this.#pump();
  }

  /** Ends it; `error` is for those who still wait. */
  close(error?: PosternError): void {
    if (this.#state === 'closed') return;
    if (this.isIdle && this.#state === 'ready') {
      this.connection.end();
      this.connection.flushWrites();
    }
    this.#transport?.close();
    this.#end(error);
  }

  /** Queries that were not sent: they move to the next attempt. */
  takeWaiting(): (readonly [Submittable, boolean])[] {
    return [...this.#inFlight.splice(0), ...this.#waiting.splice(0)].map(({ query, isExclusive }) => [
      query,
      isExclusive,
    ]);
  }

  /** Stops a query: takes it out of the queue, or asks the server to cancel it. False: it is not here any more. */
  abandon(query: Submittable): boolean {
    const index = this.#waiting.findIndex((entry) => entry.query === query);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      return true;
    }
    const entry = this.#inFlight.find((candidate) => candidate.query === query);
    if (entry === undefined) return false;
    entry.hasFailed = true;
    this.cancel();
    return true;
  }

  /** Asks the server to cancel what it runs. Nothing is sent until that is settled: it might be hit instead. */
  cancel(): void {
    const { processID, secretKey } = this;
    if (processID === null || secretKey === null) {
      this.close(timedOut());
      return;
    }
    this.#cancels++;
    const done = (): void => {
      clearTimeout(timer);
      this.#cancels--;
      this.#pump();
    };
    const timer = setTimeout(() => this.close(timedOut()), cancelTimeoutMs);
    const request = packet('', int32(cancelRequestCode), int32(processID), secretKey);
    try {
      const { hub } = this.#options;
      hub.open({ first: () => request, onOpen() {}, onBytes() {}, onClose: done });
    } catch {
      done();
    }
  }

  #pump(): void {
    while (this.#mayPump && this.#cancels === 0 && this.#state !== 'closed') {
      const next = this.#waiting[0];
      const last = this.#inFlight.at(-1);
      const mustWait = last && (last.isExclusive || next?.isExclusive || this.#inFlight.length >= maxInFlight);
      if (next === undefined || mustWait) return;
      this.#waiting.shift();
      this.#inFlight.push(next);
      const error = next.query.submit(this.connection);
      if (error) {
        this.#inFlight.pop();
        next.query.handleError?.(error as Error, this.connection);
        next.query.handleReadyForQuery?.(this.connection);
        if (this.isIdle) queueMicrotask(() => this.isIdle && this.#options.handlers.onDrain());
      } else this.#hasSentQueries = true;
    }
  }

  #end(error: PosternError | undefined): void {
    if (this.#state === 'closed') return;
    const wasConnecting = this.#state === 'connecting';
    this.#state = 'closed';
    const reason = error ?? new PosternError('Connection terminated', { kind: 'connection', code: '08003' });
    // What may be tried again keeps its queries.
    if (!(wasConnecting && reason.safeToRetry)) {
      for (const { query, hasFailed } of this.#inFlight.splice(0)) {
        if (hasFailed) continue;
        query.handleError?.(reason, this.connection);
        if ('settle' in query) query.handleReadyForQuery?.(this.connection);
      }
      for (const { query } of this.#waiting.splice(0)) {
        const unsent = new PosternError(reason.message, { ...reason, safeToRetry: true, sourceError: reason });
        query.handleError?.(wasConnecting ? reason : unsent, this.connection);
        if ('settle' in query) query.handleReadyForQuery?.(this.connection);
      }
    }
    this.connection.emit('end');
    if (wasConnecting) this.#onReady(reason);
    else this.#options.handlers.onEnd(error);
  }

  #receive(type: string, body: Uint8Array): void {
    if (this.#state === 'closed') return;
    const message = readMessage(type, body, this.#formats);
    if (message === undefined) return;
    const entry = this.#inFlight[0];
    const query = this.#state === 'ready' && !entry?.hasFailed ? entry?.query : undefined;
    const { connection } = this;
    const { handlers } = this.#options;
    switch (message.name) {
      case 'authentication':
        this.#authenticate(message);
        return;
      case 'backendKeyData':
        this.processID = message.processID;
        this.secretKey = message.secretKey;
        return;
      case 'parameterStatus':
        this.parameters.set(message.parameterName, message.parameterValue);
        return;
      case 'notice':
        handlers.onNotice(message.notice);
        return;
      case 'notification':
        handlers.onNotification(message);
        return;
      case 'errorMessage':
        this.#error(message.error, query, entry);
        return;
      case 'readyForQuery':
        this.#ready(message.status);
        return;
      case 'parseComplete':
        query?.handleParseComplete?.();
        break;
      case 'rowDescription':
        this.#formats = message.fields.map(({ format }) => format);
        query?.handleRowDescription?.(message, connection);
        break;
      case 'dataRow':
        query?.handleDataRow?.(message, connection);
        return;
      case 'commandComplete':
        query?.handleCommandComplete?.(message, connection);
        break;
      case 'portalSuspended':
        query?.handlePortalSuspended?.(connection);
        break;
      case 'emptyQuery':
        query?.handleEmptyQuery?.(connection);
        break;
      case 'copyInResponse':
        if (query?.handleCopyInResponse) query.handleCopyInResponse(connection);
        else connection.sendCopyFail('abandoned');
        break;
      case 'copyData':
        query?.handleCopyData?.(message, connection);
        break;
      default:
    }
    connection.emit(message.name, message);
  }

  #error(error: PosternError, query: Submittable | undefined, entry: Entry | undefined): void {
    const isFatal = error.severity === 'FATAL' || error.severity === 'PANIC';
    if (isFatal) this.#fatal = error;
    if (this.#state === 'connecting') {
      this.#transport?.close();
      this.#end(error);
    } else if (query && entry) {
      entry.hasFailed = !('settle' in query);
      query.handleError?.(error, this.connection);
    }
    this.connection.emit('errorMessage', error);
  }

  #ready(status: string): void {
    this.transactionStatus = status;
    if (this.#state === 'connecting') {
      this.#state = 'ready';
      this.#mayPump = true;
      this.#onReady();
    } else {
      const entry = this.#inFlight.shift();
      if (entry && !entry.hasFailed) entry.query.handleReadyForQuery?.(this.connection);
      this.connection.emit('readyForQuery', { name: 'readyForQuery', status });
    }
    this.#pump();
    if (this.isIdle) this.#options.handlers.onDrain();
  }

  /** Throws at once: what comes behind in the same bytes must not be believed. */
  #authenticate({ method, data }: Extract<BackendMessage, { name: 'authentication' }>): void {
    const { isPipelined, password } = this.#options;
    if (method === 0) {
      if (this.#scram?.isVerified === false)
        throw new PosternError('SASL: the server skipped its proof', { kind: 'protocol', code: '28000' });
      return;
    }
    if (method === 3 && isPipelined) return;
    if (isPipelined) throw new PosternError(wantsDialogue, { kind: 'protocol', code: '28000', safeToRetry: true });
    if (password === undefined) {
      throw new PosternError('the server asks for a password, and there is none', { kind: 'usage', code: '28P01' });
    }
    if (method === 3) this.connection.write(packet('p', password));
    else if (method === 10) {
      this.#scram = createScram(password);
      const { first } = this.#scram;
      this.connection.write(packet('p', 'SCRAM-SHA-256', int32(first.length), first));
    } else if (method === 11 && this.#scram) {
      this.#scram.answer(data).then(
        (proof) => this.connection.write(packet('p', proof)),
        (error: PosternError) => this.close(error),
      );
    } else if (method === 12 && this.#scram) this.#scram.verify(data);
    else {
      throw new PosternError(`the server asks for authentication method ${method}, which is not supported`, {
        kind: 'protocol',
        code: '0A000',
      });
    }
  }
}

function timedOut(): PosternError {
  return new PosternError('Connection terminated: the server did not answer', { kind: 'connection', code: '08006' });
}
