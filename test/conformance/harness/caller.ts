/** One session as a script plays it: sends raw messages, waits for answers, and remembers every one of them. */
import { type BackendMessage, createMessageReader } from './backend-message.ts';
import type { ByteConnection } from './byte-connection.ts';
import { cancelRequest, password, query, startup, sync, terminate } from './frontend-message.ts';
import { messageKind } from './trace-line.ts';

/** Raised when a wait ends without what it waited for; the trace so far is the evidence. */
export class ConversationStalled extends Error {}

/** What happens around a caller: the runner's hooks and limits. */
export interface CallerSetting {
  readonly waitLimitMs: number;
  /** Credentials for start-up, unless a script gives others. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Added to every start-up packet. */
  readonly loginParameters?: Readonly<Record<string, string>> | undefined;
  /** Before anything is sent. */
  beforeSend(): Promise<void>;
  /** Between two messages of one send; absent when they go out in one write. */
  betweenMessages?: (() => Promise<void>) | undefined;
  /** For CancelRequest. */
  connect(): Promise<ByteConnection>;
}

export interface LoginOptions {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly version?: number;
  readonly user?: string;
  readonly database?: string;
  /** Sent in the same write as the start-up packet, behind an unasked-for cleartext password, as Neon's driver does. */
  readonly thenSend?: readonly Uint8Array[];
}

export interface Caller {
  readonly name: string;
  /** All messages so far, including log-in. */
  readonly received: readonly BackendMessage[];
  /** Index of the first message after a successful log-in; 0 when it failed. */
  readonly loginEnd: number;
  readonly processId: number;
  readonly secretKey: Uint8Array;
  readonly isClosed: boolean;
  /** Bytes that arrived but are no whole message: the answer to SSLRequest, or a cut-off end. */
  readonly unparsed: Buffer;
  /** Between transactions with everything answered, as far as the caller can know. */
  readonly isIdle: boolean;
  /** Sends the start-up packet and waits for ReadyForQuery or the end. */
  login(options?: LoginOptions): Promise<void>;
  /** Sends messages without waiting. */
  send(...messages: Uint8Array[]): Promise<void>;
  /** Waits for `count` further ReadyForQuery. */
  ready(count?: number): Promise<void>;
  /** Waits for `count` further messages of this kind (`'CopyInResponse'`). */
  until(kind: string, count?: number): Promise<void>;
  /** Waits for bytes that are no message: the answer to a request for encryption. */
  bytes(): Promise<void>;
  /** Waits until nothing has arrived for `ms`. For "no answer comes"; never for "the answer has come". */
  quiet(ms?: number): Promise<void>;
  /** Waits for whatever comes next, at most `limitMs`. */
  next(limitMs: number): Promise<void>;
  /** Waits until the server has closed the connection. */
  closed(): Promise<void>;
  /** Sends Query and waits for its ReadyForQuery. */
  query(sql: string): Promise<void>;
  /** Sends the messages and a Sync, and waits for its ReadyForQuery. */
  segment(...messages: Uint8Array[]): Promise<void>;
  /** Sends CancelRequest with this session's key on a new connection and waits for its end. */
  cancel(): Promise<void>;
  /** Terminate, then waits for the end. */
  terminate(): Promise<void>;
  /** Vanishes without Terminate. */
  disconnect(): void;
}

/** Wraps an open connection; nothing is sent yet. */
export function createCaller(name: string, connection: ByteConnection, setting: CallerSetting): Caller {
  const reader = createMessageReader();
  const received: BackendMessage[] = [];
  let seen = 0;
  let loginEnd = 0;
  let key: { processId: number; secretKey: Uint8Array } | undefined;
  let isClosed = false;
  let isAnswered = false;
  let isPasswordSent = false;
  let wake: () => void = () => {};

  connection.onData = (bytes) => {
    for (const found of reader.push(bytes)) {
      received.push(found);
      if (found.type === 'Z') isAnswered = true;
      if (found.type === 'K') key = { processId: found.body.readInt32BE(0), secretKey: found.body.subarray(4) };
      if (!isPasswordSent && found.type === 'R' && found.body.readInt32BE(0) === 3) {
        isPasswordSent = true;
        connection.write(password(setting.password));
      }
    }
    wake();
  };
  connection.onClose = () => {
    isClosed = true;
    wake();
  };

  /** Waits until `isDone`, called after each arrival, says so. `quietMs` ends the wait successfully after that silence. */
  async function wait(what: string, isDone: () => boolean, quietMs?: number): Promise<void> {
    const deadline = Date.now() + setting.waitLimitMs;
    while (!isDone()) {
      const limit = quietMs ?? deadline - Date.now();
      const woken = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), Math.max(limit, 0));
        wake = () => {
          clearTimeout(timer);
          resolve(true);
        };
      });
      wake = () => {};
      if (woken) continue;
      if (quietMs !== undefined) return;
      throw new ConversationStalled(`${name} waited ${setting.waitLimitMs} ms for ${what}`);
    }
  }

  async function until(kind: string, count: number): Promise<void> {
    let missing = count;
    await wait(`${count} ${kind}`, () => {
      while (missing > 0 && seen < received.length) {
        if (messageKind(received[seen]!.type) === kind) missing -= 1;
        seen += 1;
      }
      if (missing > 0 && isClosed) throw new ConversationStalled(`${name} was closed before ${kind} came`);
      return missing === 0;
    });
  }

  async function send(...messages: Uint8Array[]): Promise<void> {
    await setting.beforeSend();
    isAnswered = false;
    if (setting.betweenMessages === undefined) {
      connection.write(Buffer.concat(messages));
      return;
    }
    for (const [index, part] of messages.entries()) {
      if (index > 0) await setting.betweenMessages();
      connection.write(part);
    }
  }

  const caller: Caller = {
    name,
    received,
    get loginEnd() {
      return loginEnd;
    },
    get processId() {
      return key?.processId ?? 0;
    },
    get secretKey() {
      return key?.secretKey ?? new Uint8Array();
    },
    get isClosed() {
      return isClosed;
    },
    get unparsed() {
      return reader.pending;
    },
    get isIdle() {
      const last = received.at(-1);
      return isClosed || (isAnswered && last?.type === 'Z' && last.body.toString('latin1') === 'I');
    },
    async login(options = {}) {
      const user = options.user ?? setting.user;
      const database = options.database ?? setting.database;
      const packet = startup({ user, database, ...setting.loginParameters, ...options.parameters }, options.version);
      isPasswordSent = options.thenSend !== undefined;
      const behind = options.thenSend === undefined ? [] : [password(setting.password), ...options.thenSend];
      connection.write(Buffer.concat([packet, ...behind]));
      await wait('the end of log-in', () => isClosed || received.some((found) => found.type === 'Z'));
      const readyAt = received.findIndex((found) => found.type === 'Z');
      loginEnd = readyAt + 1;
      seen = loginEnd;
    },
    send,
    ready: (count = 1) => until('ReadyForQuery', count),
    until: (kind, count = 1) => until(kind, count),
    bytes: () => wait('bytes', () => reader.pending.length > 0),
    async quiet(ms = 30) {
      let before = -1;
      while (before !== received.length) {
        before = received.length;
        await wait('silence', () => received.length !== before || isClosed, ms);
        if (isClosed) return;
      }
      seen = received.length;
    },
    next(limitMs) {
      const before = received.length;
      return wait('anything', () => received.length !== before || isClosed, Math.max(limitMs, 0));
    },
    closed: () => wait('the end of the connection', () => isClosed),
    async query(sql) {
      await send(query(sql));
      await until('ReadyForQuery', 1);
    },
    async segment(...messages) {
      await send(...messages, sync());
      await until('ReadyForQuery', 1);
    },
    async cancel() {
      const other = await setting.connect();
      const ended = new Promise<void>((resolve) => {
        other.onClose = resolve;
      });
      other.write(cancelRequest(caller.processId, caller.secretKey));
      await ended;
    },
    async terminate() {
      if (isClosed) return;
      connection.write(terminate());
      await wait('the end after Terminate', () => isClosed);
    },
    disconnect: () => connection.reset(),
  };
  return caller;
}
