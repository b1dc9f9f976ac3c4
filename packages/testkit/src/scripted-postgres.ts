import type { ByteStream, Dial, Target } from '@postern/pool';
import {
  concatBytes,
  createMessageReader,
  createStartupDecoder,
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeParameterStatus,
  encodeReadyForQuery,
  FrontendCode,
  type MessageReader,
  type StartupPacket,
} from '@postern/wire';
import { createArrivalQueue } from './arrival-queue.ts';
import { createFaultyStreamPair, type Faults } from './faulty-stream.ts';

// A server without a database: it says exactly what the test tells it to, and shows what it was asked.

export interface FrontendMessage {
  readonly code: number;
  readonly body: Uint8Array;
}

/** One connection somebody opened to the scripted server. */
export interface ScriptedConnection {
  readonly target: Target | undefined;
  /** The start-up packet; waits for it. */
  startup(): Promise<StartupPacket>;
  /** Plays the log-in without a password: AuthenticationOk, ParameterStatus…, BackendKeyData, ReadyForQuery. */
  accept(options?: { parameters?: Readonly<Record<string, string>>; processId?: number }): Promise<void>;
  /** The next message of the client. Rejects when the client is gone. */
  next(): Promise<FrontendMessage>;
  /** The next messages up to and including one with this code. */
  until(code: number): Promise<FrontendMessage[]>;
  /** Everything that has arrived and was not read, as letters: `PBDES`. */
  pending(): string;
  send(...bytes: Uint8Array[]): void;
  readonly closed: Promise<Error | undefined>;
  readonly stream: ByteStream;
  /** How bytes travel to the server and to the client; undefined on streams the test brought itself. */
  readonly faults: { readonly toServer: Faults; readonly toClient: Faults } | undefined;
}

export interface ScriptedPostgres {
  /** For the engine's `dial` option: every call opens a connection in memory. */
  readonly dial: Dial;
  /** The next connection that nobody has asked for yet. */
  nextConnection(): Promise<ScriptedConnection>;
  readonly connections: readonly ScriptedConnection[];
}

const defaultParameters = {
  server_version: '18.4',
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  application_name: '',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  integer_datetimes: 'on',
  standard_conforming_strings: 'on',
  is_superuser: 'on',
  session_authorization: 'postgres',
  default_transaction_read_only: 'off',
  in_hot_standby: 'off',
  search_path: '"$user", public',
  scram_iterations: '4096',
};

export function createScriptedPostgres(faults: Partial<Faults> = {}): ScriptedPostgres {
  const connections: ScriptedConnection[] = [];
  const arrivals = createArrivalQueue<ScriptedConnection>();
  return {
    connections,
    async dial(target) {
      const pair = createFaultyStreamPair(faults);
      const connection = createScriptedConnection(pair.server, connections.length + 1, target, {
        toServer: pair.clientToServer,
        toClient: pair.serverToClient,
      });
      connections.push(connection);
      arrivals.push(connection);
      return pair.client;
    },
    nextConnection: () => arrivals.next(),
  };
}

/** The server's side of one stream, scripted. */
export function createScriptedConnection(
  stream: ByteStream,
  defaultProcessId = 1,
  target?: Target,
  faults?: ScriptedConnection['faults'],
): ScriptedConnection {
  const messages = createArrivalQueue<FrontendMessage>();
  const startups = createArrivalQueue<StartupPacket>();
  let startupDecoder: ReturnType<typeof createStartupDecoder> | undefined = createStartupDecoder();
  const reader: MessageReader = createMessageReader({
    maxMessageBytes: 1 << 30,
    onMessage: (code, body) => messages.push({ code, body: body.slice() }),
  });

  function receive(bytes: Uint8Array): void {
    if (!startupDecoder) {
      reader.push(bytes);
      return;
    }
    const packet = startupDecoder.push(bytes);
    if (!packet) return;
    const rest = startupDecoder.rest();
    // After an answer to SSLRequest the real start-up follows.
    const isRequest = packet.kind === 'ssl-request' || packet.kind === 'gssenc-request';
    startupDecoder = isRequest ? createStartupDecoder() : undefined;
    startups.push(packet);
    if (rest.length > 0) receive(rest);
  }

  stream.onData = (bytes) => {
    receive(bytes);
    return undefined;
  };
  const closed = new Promise<Error | undefined>((resolve) => {
    stream.onClose = (error) => {
      const end = error ?? new Error('The client closed the connection.');
      messages.fail(end);
      startups.fail(end);
      resolve(error);
    };
  });

  const connection: ScriptedConnection = {
    target,
    stream,
    faults,
    closed,
    startup: () => startups.next(),
    async accept(options = {}) {
      await connection.startup();
      const parameters = { ...defaultParameters, ...options.parameters };
      connection.send(
        encodeAuthenticationOk(),
        ...Object.entries(parameters).map(([name, value]) => encodeParameterStatus(name, value)),
        encodeBackendKeyData(options.processId ?? defaultProcessId, Uint8Array.of(1, 2, 3, 4)),
        encodeReadyForQuery('I'),
      );
    },
    next: () => messages.next(),
    async until(code) {
      const received: FrontendMessage[] = [];
      for (;;) {
        const message = await messages.next();
        received.push(message);
        if (message.code === code) return received;
      }
    },
    pending: () => String.fromCharCode(...messages.waiting().map((message) => message.code)),
    send: (...bytes) => void stream.write(concatBytes(bytes)),
  };
  return connection;
}

/** `['Parse', 'Sync']`: the names of frontend messages, for expectations. */
export function frontendNames(messages: readonly FrontendMessage[]): string[] {
  const names = new Map<number, string>(Object.entries(FrontendCode).map(([name, code]) => [code, name]));
  return messages.map(({ code }) => names.get(code) ?? String.fromCharCode(code));
}
