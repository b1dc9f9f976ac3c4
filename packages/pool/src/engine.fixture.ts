// For tests: an engine between callers in memory and a Postgres that is a few lines of script. Time stands still, and
// `settle` lets everything happen that needs no time.

import {
  createFakeClock,
  createScriptedPostgres,
  type FakeClock,
  type FrontendMessage,
  type ScriptedConnection,
  type ScriptedPostgres,
} from '@postern/testkit';
import {
  BackendCode,
  concatBytes,
  createMessageReader,
  decodeCommandComplete,
  decodeDataRow,
  decodeErrorFields,
  decodeParse,
  decodeQuery,
  decodeReadyForQuery,
  decodeText,
  encodeBindComplete,
  encodeCloseComplete,
  encodeCommandComplete,
  encodeErrorResponse,
  encodeNoData,
  encodeParseComplete,
  encodeReadyForQuery,
  FrontendCode,
} from '@postern/wire';
import { createEngine, type Engine, type EngineOptions, type Session, type SessionOptions } from './engine.ts';
import type { EngineEvent } from './engine-context.ts';
import type { Dial, Identity, Target } from './identity.ts';
import type { EngineLimits } from './limits.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

export const target: Target = { host: 'db', port: 5432, database: 'd', tls: 'disable' };
export const identity: Identity = { id: 'i', user: 'postgres', secret: { kind: 'trust' } };

/** Everything that needs no time happens: microtasks and what they start. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A caller of the engine, and what it was told: `ParseComplete`, `CommandComplete SELECT 1`, `ReadyForQuery I` … */
export interface TestCaller {
  readonly session: Session;
  send(...messages: Uint8Array[]): Promise<void>;
  /** What came since it was last asked. */
  heard(): string[];
  readonly isClosed: boolean;
  /** Reads nothing more, and reads again. */
  pause(): void;
  resume(): Promise<void>;
  /** Vanishes without a Terminate. */
  vanish(): Promise<void>;
}

export interface TestEngine {
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly postgres: ScriptedPostgres;
  readonly events: EngineEvent[];
  open(options?: Partial<SessionOptions>): Promise<TestCaller>;
  /** Lets time pass, and what follows from it happen. */
  pass(milliseconds: number): Promise<void>;
}

export function createTestEngine(
  options: { limits?: Partial<EngineLimits>; dial?: (real: Dial) => Dial } & Partial<
    Pick<EngineOptions, 'permits'>
  > = {},
): TestEngine {
  const clock = createFakeClock();
  const postgres = createScriptedPostgres();
  const events: EngineEvent[] = [];
  let random = 0;
  const engine = createEngine({
    dial: options.dial?.(postgres.dial) ?? postgres.dial,
    clock,
    random(bytes) {
      const value = new Uint8Array(bytes);
      new DataView(value.buffer).setUint32(0, ++random);
      return value;
    },
    log: (event) => events.push(event),
    limits: { poolSize: 1, ...options.limits },
    ...(options.permits === undefined ? {} : { permits: options.permits }),
  });
  return {
    engine,
    clock,
    postgres,
    events,
    async open(given = {}) {
      const [stream, far] = createMemoryStreamPair();
      const lines: string[] = [];
      let isClosed = false;
      const reader = createMessageReader({
        maxMessageBytes: 1 << 20,
        onMessage: (code, body) => lines.push(describe(code, body)),
      });
      far.onData = (bytes) => {
        reader.push(bytes);
        return false;
      };
      far.onClose = () => {
        isClosed = true;
      };
      const session = engine.openSession({
        stream,
        target,
        identity,
        mode: 'pooled',
        startupParameters: new Map(),
        greeting: false,
        ...given,
      });
      await settle();
      return {
        session,
        async send(...messages) {
          far.write(concatBytes(messages));
          await settle();
        },
        heard: () => lines.splice(0),
        get isClosed() {
          return isClosed;
        },
        pause: () => far.pause(),
        async resume() {
          far.resume();
          await settle();
        },
        async vanish() {
          far.destroy();
          await settle();
        },
      };
    },
    async pass(milliseconds) {
      await settle();
      // In steps, since what follows from a timer may start the next one.
      for (let left = milliseconds; left > 0; left -= 50) {
        clock.advance(Math.min(50, left));
        await settle();
      }
    },
  };
}

function describe(code: number, body: Uint8Array): string {
  const name = Object.entries(BackendCode).find(([, value]) => value === code)?.[0] ?? String.fromCharCode(code);
  if (code === BackendCode.CommandComplete) return `${name} ${decodeCommandComplete(body)}`;
  if (code === BackendCode.ReadyForQuery) return `${name} ${decodeReadyForQuery(body)}`;
  if (code === BackendCode.DataRow) return `${name} ${decodeDataRow(body).map((cell) => cell && decodeText(cell))}`;
  if (code === BackendCode.ErrorResponse) {
    const fields = decodeErrorFields(body);
    return `${fields.severity} ${fields.code} ${fields.message}`;
  }
  return name;
}

/** A server connection that answers everything with success. */
export interface AnsweringServer {
  readonly connection: ScriptedConnection;
  /** What arrived, one line per message, since it was last asked: `Query SELECT 1`, `Parse …`, `Sync`. */
  asked(): string[];
}

/** What is said to a Query or an Execute of `sql`, but for the ReadyForQuery; undefined: `SELECT 0`. null: silence. */
export type Answer = (sql: string) => Uint8Array | null | undefined;

/** Accepts the next connection and answers what comes. Resets and inspections succeed and find nothing. */
export async function answering(
  postgres: ScriptedPostgres,
  answer: Answer = () => undefined,
): Promise<AnsweringServer> {
  const connection = await postgres.nextConnection();
  await connection.accept();
  return answerOn(connection, answer);
}

/** The same on a connection that has logged in. */
export function answerOn(connection: ScriptedConnection, answer: Answer): AnsweringServer {
  const lines: string[] = [];
  const statements = new Map<string, string>();
  let bound = '';
  let isFailed = false;
  const done = encodeCommandComplete('SELECT 0');

  function replyTo({ code, body }: FrontendMessage): Uint8Array | null {
    switch (code) {
      case FrontendCode.Parse: {
        const { name, text } = decodeParse(body);
        lines.push(`Parse ${name} ${text}`);
        statements.set(name, text);
        return encodeParseComplete();
      }
      case FrontendCode.Bind: {
        const portalEnd = body.indexOf(0);
        const name = decodeText(body.subarray(portalEnd + 1, body.indexOf(0, portalEnd + 1)));
        lines.push(`Bind ${name}`);
        bound = name;
        return encodeBindComplete();
      }
      case FrontendCode.Describe:
        lines.push('Describe');
        return encodeNoData();
      case FrontendCode.Close:
        lines.push('Close');
        return encodeCloseComplete();
      case FrontendCode.Execute: {
        lines.push('Execute');
        const reply = answer(statements.get(bound) ?? '');
        if (reply !== undefined && reply !== null && reply[0] === BackendCode.ErrorResponse) isFailed = true;
        return reply === undefined ? done : reply;
      }
      case FrontendCode.Sync:
        isFailed = false;
        lines.push('Sync');
        return encodeReadyForQuery('I');
      case FrontendCode.Query: {
        const sql = decodeQuery(body);
        lines.push(`Query ${sql}`);
        const reply = answer(sql);
        return reply === null ? null : concatBytes([reply ?? done, encodeReadyForQuery('I')]);
      }
      default:
        lines.push(String.fromCharCode(code));
        return null;
    }
  }

  void (async () => {
    for (;;) {
      const message = await connection.next();
      if (isFailed && message.code !== FrontendCode.Sync) continue;
      const reply = replyTo(message);
      if (reply !== null) connection.send(reply);
    }
  })().catch(() => {});
  return { connection, asked: () => lines.splice(0) };
}

/** An ErrorResponse of severity ERROR. */
export function failure(code: string, message: string, routine?: string): Uint8Array {
  return encodeErrorResponse({ severity: 'ERROR', severityNonLocalized: 'ERROR', code, message, routine });
}
