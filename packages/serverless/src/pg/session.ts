/**
 * A logged-in (or soon to be) Postgres session over some transport: start-up, authentication, the queue of queries. Queries
 * that do not depend on each other are sent without waiting; each has its own Sync, so they do not share their errors.
 */
import { createError, PosternError } from '../postern-error.ts';
import type { FieldDef } from '../values/rows.ts';
import { type Connection, nameBehind, readError, readFields, readRow } from '../ws/connection.ts';
import type { Emitter } from '../ws/emitter.ts';
import { createDecoder, decodeText, int32, packet, Reader } from '../ws/packet.ts';
import { createScram, type Scram } from '../ws/scram.ts';
import type { Hub, Passenger } from '../ws/transport.ts';
import { tell } from './callback.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { failQuery, type Submittable } from './query.ts';

/** A query in a queue. */
export interface Entry {
  readonly query: Submittable;
  /** Nothing is sent while it runs, and it is not sent while anything runs. */
  readonly isExclusive: boolean;
  /** Its error has been told; what still comes for it is dropped. */
  hasFailed?: boolean;
  /** The name of a statement that was sent to be parsed, until that is answered. */
  parsing?: string;
  /** To be cancelled as soon as there is a key for it. */
  isCancelled?: boolean;
}

export interface SessionOptions {
  readonly hub: Hub;
  /** What queries talk to; the same for each attempt to log in. */
  readonly connection: Connection;
  readonly parameters: ConnectionParameters;
  readonly password: string | undefined;
  /** Send the password without being asked. */
  readonly isPipelined: boolean;
  /** Queries that were not sent. Those of an attempt that may be repeated come back to it. */
  readonly waiting: Entry[];
  /** Gets notices and notifications. */
  readonly emitter: Pick<Emitter, 'emit'>;
  /** Nothing is running or waiting: any more, or (`isFirst`) yet. */
  onDrain(isFirst: boolean): void;
  /** Over; `error` unless it was asked for. Queries are told behind it. */
  onEnd(error: PosternError | undefined): void;
}

export interface Session {
  /** What a CancelRequest needs; null before the log-in. */
  key(): { processID: number | null; secretKey: Uint8Array | null };
  isIdle(): boolean;
  isOpen(): boolean;
  /** Resolves when the session is ready for queries. */
  login(): Promise<void>;
  /** Sends what may be sent of what waits. */
  pump(): void;
  /** Asks the server to cancel a query, if it is running it. `isTold`: of its own error it has been told; nothing more is. */
  cancel(query: Submittable, isTold: boolean): void;
  /** Behind the last query: within a transaction, or a failed one. */
  isInTransaction(): boolean;
  /** Ends it; `error` is for those who still wait. */
  close(error?: PosternError): void;
}

/** Unanswered queries; enough to fill a round trip, few enough to bound what the server must hold. */
const maxInFlight = 64;
/** A cancel that takes longer means that the server is not there any more. */
const cancelTimeoutMs = 10_000;
const cancelRequestCode = 80_877_102;
const protocolVersion = 196_608;

/** A message, as node-postgres' listeners get it. */
interface Message {
  name: string;
  text?: string;
  chunk?: Uint8Array;
  fields?: FieldDef[];
  parameterName?: string;
  parameterValue?: string;
}

/** Letters and names of messages that queries, and listeners of the connection, are told of, by `handle…` and `on`. */
const events = /* @__PURE__ */ (
  '1ParseComplete 2BindComplete 3CloseComplete nNoData sPortalSuspended IEmptyQuery GCopyInResponse HCopyOutResponse ' +
  'WCopyBothResponse SParameterStatus cCopyDone dCopyData TRowDescription CCommandComplete'
).split(' ');

export function createSession(options: SessionOptions): Session {
  const { hub, connection, parameters, password, isPipelined, waiting, emitter } = options;
  let state: 'connecting' | 'ready' | 'closed' = 'connecting';
  /** Queries may be sent: the session is open, or what is said first may hold them. */
  let mayPump = false;
  let hasSentQueries = false;
  let isInTransaction = false;
  const inFlight: Entry[] = [];
  /** Cancel requests under way. */
  let cancels = 0;
  let scram: Scram | undefined;
  /** An error that ends the session: the reason behind the close that follows. */
  let fatal: PosternError | undefined;
  let columns: readonly FieldDef[] = [];
  let processID: number | null = null;
  let secretKey: Uint8Array | null = null;
  let onReady: (error?: PosternError) => void = () => {};

  const decode = createDecoder(receive);
  const passenger: Passenger = {
    transport: undefined,
    first(speaks) {
      const more = speaks === 'postern' ? parameters.posternOptions : [];
      connection.takeWrites();
      connection.send('', int32(protocolVersion), ...parameters.startup, ...more, new Uint8Array(1));
      if (isPipelined) connection.send('p', password ?? '');
      if (speaks === 'neon' || hub.isCertain()) open();
      return connection.takeWrites();
    },
    onOpen: open,
    onBytes(bytes) {
      try {
        decode(bytes);
      } catch (error) {
        close(error as PosternError);
      }
    },
    onClose(error, wasHeard) {
      const safeToRetry = !wasHeard && !hasSentQueries && state === 'connecting';
      end(fatal ?? Object.assign(error, { safeToRetry }));
    },
  };
  connection.passenger = passenger;
  connection.stream.destroy = () => close();

  const isIdle = (): boolean => inFlight.length + waiting.length + cancels === 0;
  const isOpen = (): boolean => state === 'ready';

  /** Behind a password that was sent unasked; else only when the server is ready. */
  function open(): void {
    mayPump ||= isPipelined;
    pump();
  }

  function pump(): void {
    while (mayPump && cancels === 0 && state !== 'closed') {
      const next = waiting[0];
      const last = inFlight.at(-1);
      if (!next || (last && (last.isExclusive || next.isExclusive || inFlight.length >= maxInFlight))) return;
      // Whether a statement of this name is there is not known yet.
      const name = next.query.config?.name;
      if (name && inFlight.some(({ parsing }) => parsing === name)) return;
      waiting.shift();
      inFlight.push(next);
      connection.parsing = '';
      const error = next.query.submit(connection);
      next.parsing = connection.parsing;
      if (error) {
        inFlight.pop();
        forgetUnparsed(next);
        // Not before whoever gave it can listen.
        queueMicrotask(() => {
          failQuery(next.query, error as Error, connection);
          if (isIdle()) options.onDrain(false);
        });
      } else hasSentQueries = true;
    }
  }

  /** No answer said that it was parsed. */
  function forgetUnparsed({ parsing }: Entry): void {
    if (parsing) delete connection.parsedStatements[parsing];
  }

  function close(error?: PosternError): void {
    if (isOpen() && isIdle()) {
      connection.end();
      connection.flushWrites();
    }
    end(error);
  }

  function end(error: PosternError | undefined): void {
    if (state === 'closed') return;
    const wasConnecting = state === 'connecting';
    state = 'closed';
    passenger.transport?.close();
    const reason = error ?? createError('connection', 'Connection terminated', '08003');
    if (!wasConnecting) options.onEnd(error);
    const unanswered = inFlight.splice(0);
    if (wasConnecting && reason.safeToRetry) waiting.unshift(...unanswered.filter(({ hasFailed }) => !hasFailed));
    else {
      for (const { query, hasFailed } of unanswered) if (!hasFailed) failQuery(query, reason, connection);
      const unsent = new PosternError(reason.message, { ...reason, safeToRetry: true, sourceError: reason });
      for (const { query } of waiting.splice(0)) failQuery(query, wasConnecting ? reason : unsent, connection);
    }
    tell(() => connection.emit('end'));
    if (wasConnecting) onReady(reason);
  }

  function receive(type: string, body: Uint8Array): void {
    if (state === 'closed') return;
    const entry = inFlight[0];
    // What was parsed, and what the server waits for, is the failed one's affair, too.
    const query = isOpen() && (!entry?.hasFailed || type === 'G') ? entry?.query : undefined;
    const reader = new Reader(body);
    if (type === 'D') query?.handleDataRow?.({ fields: readRow(reader, columns) }, connection);
    else if (type === 'Z') {
      const isFirst = state === 'connecting';
      const status = decodeText(body);
      isInTransaction = status !== 'I';
      if (isFirst) {
        state = 'ready';
        mayPump = true;
        onReady();
        if (entry?.isCancelled) askToCancel();
      } else {
        inFlight.shift();
        if (entry) forgetUnparsed(entry);
        tell(() => query?.handleReadyForQuery?.(connection));
        tell(() => connection.emit('readyForQuery', { name: 'readyForQuery', status }));
      }
      pump();
      if (isIdle()) options.onDrain(isFirst);
    } else if (type === 'N') {
      const notice = readError(body, 'notice');
      tell(() => emitter.emit('notice', notice));
    } else if (type === 'R') authenticate(reader.int32(), reader.bytes().slice());
    else if (type === 'A') {
      const notification = { processId: reader.int32(), channel: reader.text(), payload: reader.text() };
      tell(() => emitter.emit('notification', notification));
    } else if (type === 'K') {
      processID = reader.int32();
      secretKey = reader.bytes().slice();
    } else if (type === 'E') {
      const error = readError(body, 'error');
      if (/FATAL|PANIC/.test(error.severity as string)) fatal = error;
      if (!isOpen()) end(error);
      else if (query) {
        entry!.hasFailed = !('settle' in query);
        tell(() => query.handleError?.(error, connection));
      }
      tell(() => connection.emit('errorMessage', error));
    } else {
      const name = nameBehind(type, events);
      if (!name) return;
      const event = name[0]!.toLowerCase() + name.slice(1);
      const message: Message = { name: event };
      if (type === '1' && entry) entry.parsing = '';
      if (type === 'T') message.fields = columns = readFields(reader);
      if (type === 'C') message.text = reader.text();
      if (type === 'S') {
        message.parameterName = reader.text();
        message.parameterValue = reader.text();
      }
      if (type === 'd') message.chunk = reader.bytes().slice();
      const handle = query?.[`handle${name}` as 'handleCommandComplete'] as ((...about: unknown[]) => void) | undefined;
      if (type === 'G' && !handle) connection.sendCopyFail('abandoned');
      tell(() => {
        // Messages without content are not handed on.
        if (/[TCd]/.test(type)) handle?.call(query, message, connection);
        else handle?.call(query, connection);
      });
      tell(() => connection.emit(event, message));
    }
  }

  function askToCancel(): void {
    const giveUp = (): void => close(createError('connection', 'Connection terminated: no answer', '08006'));
    if (processID === null || !secretKey) {
      giveUp();
      return;
    }
    // Nothing is sent until that is settled: it might be hit instead.
    cancels++;
    const timer = setTimeout(giveUp, cancelTimeoutMs);
    const onClose = (): void => {
      clearTimeout(timer);
      cancels--;
      pump();
    };
    const request = packet('', int32(cancelRequestCode), int32(processID), secretKey);
    try {
      hub.open({ transport: undefined, first: () => request, onOpen() {}, onBytes() {}, onClose });
    } catch {
      onClose();
    }
  }

  /** Throws at once: what comes behind in the same bytes must not be believed. */
  function authenticate(method: number, data: Uint8Array): void {
    if (method === 0) {
      if (scram?.isVerified() === false) throw createError('protocol', 'SASL: no server proof', '28000');
    } else if (password === undefined) {
      throw createError('usage', 'the server asks for a password', '28P01');
    } else if (method === 3) {
      if (!isPipelined) connection.send('p', password);
    } else if (method === 10 && !isPipelined) {
      scram = createScram(password);
      connection.send('p', 'SCRAM-SHA-256', int32(scram.first.length), scram.first);
    } else if (method === 11 && scram) {
      scram.answer(data).then((proof) => connection.send('p', proof), close);
    } else if (method === 12 && scram) scram.verify(data);
    else {
      // The only thing that is sent unasked is a password in clear. See `mustAsk` in client.ts.
      throw createError('protocol', `unsupported authentication method ${method}`, isPipelined ? '28000' : '0A000', {
        safeToRetry: isPipelined,
      });
    }
  }

  return {
    key: () => ({ processID, secretKey }),
    isIdle,
    isOpen,
    pump,
    close,
    isInTransaction: () => isInTransaction,
    login: () =>
      new Promise((resolve, reject) => {
        onReady = (error) => (error ? reject(error) : resolve());
        try {
          hub.open(passenger);
        } catch (error) {
          end(error as PosternError); // which queries that `first` took along are told, too
        }
      }),
    cancel(query, isTold) {
      // Another one than that which is running: its cancel would hit that.
      const [entry] = inFlight;
      if (entry?.query !== query) return;
      entry.hasFailed ||= isTold;
      if (isTold) query.leave?.(connection);
      entry.isCancelled = true;
      if (isOpen()) askToCancel();
    },
  };
}
