import type { ByteStream } from '@postern/pool';
import {
  BackendCode,
  concatBytes,
  createMessageReader,
  createScramClient,
  databaseErrorFrom,
  decodeAuthentication,
  decodeBackendKeyData,
  decodeDataRow,
  decodeParameterStatus,
  decodeText,
  encodePassword,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeStartupMessage,
  encodeTerminate,
  md5Password,
  type ScramClient,
} from '@postern/wire';
import { createArrivalQueue } from './arrival-queue.ts';
import { connectStream } from './socket-stream.ts';
import type { BackendMessage } from './wire-trace.ts';

export interface RawClientOptions {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Further start-up parameters; `options` among them. */
  readonly params?: Readonly<Record<string, string>>;
  /** Minor version of protocol 3 to ask for. */
  readonly protocolMinor?: number;
  /** Instead of host and port: a stream that is already open (WebSocket, memory). */
  readonly stream?: ByteStream;
}

/** A client that sends what a test wants, byte by byte, and shows what comes back, message by message. */
export interface RawClient {
  readonly stream: ByteStream;
  /** From BackendKeyData. */
  readonly processId: number;
  readonly secretKey: Uint8Array;
  /** The latest ParameterStatus of each name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Messages of the log-in, ReadyForQuery included. */
  readonly greeting: readonly BackendMessage[];
  /** Sends bytes as they are, in one write. */
  send(...bytes: Uint8Array[]): void;
  /** The next messages up to and including `last` (default ReadyForQuery). Rejects when the connection ends before. */
  receive(last?: number): Promise<BackendMessage[]>;
  /** send + receive. */
  exchange(...bytes: Uint8Array[]): Promise<BackendMessage[]>;
  /** A simple query; its rows as text. Throws the DatabaseError after the following ReadyForQuery. */
  query(sql: string): Promise<(string | null)[][]>;
  /** Resolves when the connection is closed, with the error it ended with. */
  readonly closed: Promise<Error | undefined>;
  /** Terminate and close, as a polite client. */
  end(): Promise<void>;
  /** Vanish without a word. */
  destroy(): void;
}

/** Connects and logs in (trust, cleartext, MD5, SCRAM). Throws DatabaseError when refused. */
export async function connectRaw(options: RawClientOptions): Promise<RawClient> {
  const stream = options.stream ?? (await connectStream(options.host ?? '127.0.0.1', options.port ?? 5432));
  const inbox = createInbox(stream);
  const user = options.user ?? 'postgres';
  stream.write(
    encodeStartupMessage({
      minor: options.protocolMinor ?? 0,
      parameters: [
        ['user', user],
        ...(options.database === undefined ? [] : [['database', options.database] as const]),
        ...Object.entries(options.params ?? {}),
      ],
    }),
  );
  const greeting = await logIn(stream, inbox, user, options.password ?? '');
  const key = greeting.find((message) => message.code === BackendCode.BackendKeyData);
  const { processId, secretKey } = key
    ? decodeBackendKeyData(key.body)
    : { processId: 0, secretKey: new Uint8Array(4) };

  const client: RawClient = {
    stream,
    processId,
    secretKey,
    parameters: inbox.parameters,
    greeting,
    send: (...bytes) => void stream.write(concatBytes(bytes)),
    async receive(last = BackendCode.ReadyForQuery) {
      const messages: BackendMessage[] = [];
      for (;;) {
        const message = await inbox.next();
        messages.push(message);
        if (message.code === last) return messages;
      }
    },
    exchange(...bytes) {
      client.send(...bytes);
      return client.receive();
    },
    async query(sql) {
      const messages = await client.exchange(encodeQuery(sql));
      const error = messages.find((message) => message.code === BackendCode.ErrorResponse);
      if (error) throw databaseErrorFrom(error.body);
      return messages
        .filter((message) => message.code === BackendCode.DataRow)
        .map((row) => decodeDataRow(row.body).map((value) => (value === null ? null : decodeText(value))));
    },
    closed: inbox.closed,
    async end() {
      stream.write(encodeTerminate());
      stream.end();
      await inbox.closed;
    },
    destroy: () => stream.destroy(),
  };
  return client;
}

async function logIn(stream: ByteStream, inbox: Inbox, user: string, password: string): Promise<BackendMessage[]> {
  const greeting: BackendMessage[] = [];
  let scram: ScramClient | undefined;
  for (;;) {
    const message = await inbox.next();
    greeting.push(message);
    if (message.code === BackendCode.ReadyForQuery) return greeting;
    if (message.code === BackendCode.ErrorResponse) {
      stream.destroy();
      throw databaseErrorFrom(message.body);
    }
    if (message.code !== BackendCode.Authentication) continue;
    const asked = decodeAuthentication(message.body);
    switch (asked.kind) {
      case 'ok':
        break;
      case 'cleartext':
        stream.write(encodePassword(password));
        break;
      case 'md5':
        stream.write(encodePassword(md5Password(user, password, asked.salt)));
        break;
      case 'sasl':
        scram = createScramClient({ mechanism: 'SCRAM-SHA-256', secret: { kind: 'password', password } });
        stream.write(encodeSaslInitialResponse('SCRAM-SHA-256', scram.first()));
        break;
      case 'sasl-continue':
        stream.write(encodeSaslResponse(await startedScram(scram).continue(asked.data)));
        break;
      case 'sasl-final':
        await startedScram(scram).final(asked.data);
        break;
      default:
        throw new Error(`The server asks for authentication method ${asked.method}, which this client does not know.`);
    }
  }
}

function startedScram(scram: ScramClient | undefined): ScramClient {
  if (!scram) throw new Error('The server continued a SASL exchange that never began.');
  return scram;
}

interface Inbox {
  readonly parameters: ReadonlyMap<string, string>;
  readonly closed: Promise<Error | undefined>;
  next(): Promise<BackendMessage>;
}

function createInbox(stream: ByteStream): Inbox {
  const messages = createArrivalQueue<BackendMessage>();
  const parameters = new Map<string, string>();
  const reader = createMessageReader({
    maxMessageBytes: 1 << 30,
    onMessage(code, borrowed) {
      const message = { code, body: borrowed.slice() };
      if (code === BackendCode.ParameterStatus) {
        const { name, value } = decodeParameterStatus(message.body);
        parameters.set(name, value);
      }
      messages.push(message);
    },
  });
  const closed = new Promise<Error | undefined>((resolve) => {
    stream.onClose = (error) => {
      messages.fail(error ?? new Error('The server closed the connection.'));
      resolve(error);
    };
  });
  stream.onData = (bytes) => {
    reader.push(bytes);
    return undefined;
  };
  return { parameters, closed, next: messages.next };
}
