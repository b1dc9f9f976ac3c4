/**
 * Prepared statements of SQL itself: PREPARE, EXECUTE, DEALLOCATE and DISCARD ALL live in the same name space as those of
 * the protocol. Names are rewritten in the text; what a statement did to the name space is applied when its
 * CommandComplete arrives, because a transaction's rollback does not undo it (reference/pooling.md §2.12).
 */
import { BackendCode, decodeDataRow, encodeCommandComplete, encodeQuery, encodeSync } from '@postern/wire';
import { indexOfZero } from './byte-buffer.ts';
import { createErrand } from './errand.ts';
import { rewriteError } from './error-message.ts';
import type { Forwarder } from './forwarding.ts';
import { replaySql, resetSql } from './label.ts';
import { MessageCollector } from './message-collector.ts';
import { Action, Expect } from './reply-queue.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { nameKey } from './session-statements.ts';
import { type EditedSql, originalPosition } from './sql/edited-sql.ts';
import { type PrepareMention, rewritePreparedNames } from './sql/prepared-names.ts';
import type { StatementRef } from './statement-ref.ts';
import { type Statement, type StatementText, serverNamePrefix } from './statements.ts';

type Effect =
  | { readonly kind: 'prepare'; readonly at: number; readonly name: string; readonly statement: Statement }
  | {
      readonly kind: 'deallocate';
      readonly at: number;
      readonly name: string;
      readonly statement: Statement | undefined;
    }
  | { readonly kind: 'deallocate-all'; readonly at: number; readonly statement?: undefined };

/** What the statements of one text do to the session's prepared statements, each once it has completed. */
export interface SqlEffects {
  readonly kind: 'sql-effects';
  readonly list: readonly Effect[];
  /** Statements of the text that are known to have completed. */
  completed: number;
  /** The text as it was sent. */
  readonly text: EditedSql;
}

export function isSqlEffects(ref: unknown): ref is SqlEffects {
  return typeof ref === 'object' && ref !== null && (ref as { kind?: unknown }).kind === 'sql-effects';
}

const ascii = new TextEncoder();
const utf8 = new TextDecoder();
const deallocateAll: Uint8Array = encodeCommandComplete('DEALLOCATE ALL');
const discardAll: Uint8Array = encodeCommandComplete('DISCARD ALL');
/** Fails in a failed transaction as the replaced statement would, and else does nothing. */
const nothingSql = 'SELECT WHERE false';

export class SqlPrepared {
  private readonly session: PooledSession;
  private readonly forwarder: Forwarder;
  private portals: Map<string, SqlEffects> | undefined;
  /** Made by PREPARE; their parameter types are not known yet. */
  private unlearned: Statement[] | undefined;

  constructor(session: PooledSession, forwarder: Forwarder) {
    this.session = session;
    this.forwarder = forwarder;
  }

  get hasEffects(): boolean {
    return this.portals !== undefined;
  }

  /** Sends a Query that mentions prepared statements. */
  query(server: ServerConnection, text: StatementText): void {
    const { session, forwarder } = this;
    const { traits } = text;
    if (traits.deallocatesAll) {
      forwarder.substitute(server, nothingSql, deallocateAll, () => forwarder.statementForwarder.names.clear());
      return;
    }
    // Inside a transaction and in a pipeline it is Postgres' to refuse.
    if (traits.discardsAll && server.status === TransactionStatus.Idle && server.unsynced === 0) {
      const { baseline } = session.state;
      session.state.touch(server, text);
      forwarder.substitute(
        server,
        baseline.size === 0 ? resetSql : `${resetSql}; ${replaySql(baseline)}`,
        discardAll,
        () => forwarder.statementForwarder.names.clear(),
      );
      return;
    }
    const sql = utf8.decode(text.tail.subarray(0, text.tail.length - 1));
    const effects = this.rewrite(server, sql, text, false);
    session.state.touch(server, text);
    server.send(encodeQuery(effects.text.sql));
    forwarder.querySent(server, text, effects);
  }

  /** A Parse that mentions prepared statements: the text to send instead. `sqlLength` is that of its SQL in bytes. */
  rewriteParse(server: ServerConnection, text: StatementText, sqlLength: number): StatementText {
    const sql = utf8.decode(text.tail.subarray(0, sqlLength));
    return withSql(text, sqlLength, this.rewrite(server, sql, text, true));
  }

  /** A text that mentions prepared statements is bound: the same, or another if the names mean other statements now. */
  resolve(server: ServerConnection, text: StatementText): StatementText {
    const known = text.effects;
    if (known === undefined || server.status === TransactionStatus.Failed) return text;
    const effects = this.rewrite(server, known.text.original, text, true);
    return effects.text.sql === known.text.sql ? text : withSql(text, text.tail.indexOf(0), effects);
  }

  private rewrite(server: ServerConnection, sql: string, text: StatementText, isParse: boolean): SqlEffects {
    const { session, forwarder } = this;
    const list: Effect[] = [];
    /** The name space as it will be at each point of the text, if all goes well. */
    const view = new Map<string, Statement | undefined>();
    const find = (name: string): Statement | undefined =>
      view.has(name) ? view.get(name) : forwarder.statementForwarder.names.get(keyOf(name));
    const wasSynced = server.unsynced === 0;
    const named = text.traits.prepared.filter((entry) => entry.kind !== 'deallocate-all');
    let mention = 0;
    const rewritten = rewritePreparedNames(sql, text.traits, (name) => {
      const entry = named[mention++]!;
      const known = find(name);
      if (entry.kind === 'prepare') {
        if (known !== undefined) return utf8.decode(this.supplied(server, known).name);
        const statement = this.preparedBefore(server, text, name) ?? this.statementOf(entry);
        view.set(name, statement);
        list.push({ kind: 'prepare', at: entry.statement, name: keyOf(name), statement });
        return utf8.decode(statement.name);
      }
      if (known === undefined) return name.startsWith(serverNamePrefix) ? `${name}?` : name;
      const statement = view.has(name) ? known : this.supplied(server, known);
      if (entry.kind === 'execute') session.state.touch(server, statement.text);
      else {
        view.set(name, undefined);
        list.push({ kind: 'deallocate', at: entry.statement, name: keyOf(name), statement });
      }
      return utf8.decode(statement.name);
    });
    if (text.traits.discardsAll) list.push({ kind: 'deallocate-all', at: 0 });
    for (const entry of text.traits.prepared) {
      if (entry.kind === 'deallocate-all') list.push({ kind: 'deallocate-all', at: entry.statement });
    }
    if (!isParse && wasSynced && server.unsynced > 0) {
      // What was put in front of a Query is a segment of its own.
      server.send(encodeSync());
      server.expect(Expect.Sync, Action.Swallow, this.session, undefined);
    }
    return { kind: 'sql-effects', list, completed: 0, text: rewritten };
  }

  /** The statement that a PREPARE makes. */
  private statementOf({ body }: PrepareMention): Statement {
    const { texts } = this.session.pool;
    const { isSettled, label } = this.session.state;
    const bytes = ascii.encode(`${body}\0\0\0`);
    return texts.privateStatement(
      texts.intern(bytes, 0, bytes.length, bytes.length - 3),
      isSettled ? label.constants : undefined,
    );
  }

  /** The one it was to make when it was parsed, unless it has made it. */
  private preparedBefore(server: ServerConnection, { effects }: StatementText, name: string): Statement | undefined {
    const made = effects?.list.find((effect) => effect.kind === 'prepare' && effect.name === keyOf(name))?.statement;
    return made !== undefined && !server.prepared.has(made) ? made : undefined;
  }

  /** A statement that a text mentions, on the connection from now on. */
  private supplied(server: ServerConnection, statement: Statement): Statement {
    if (server.status === TransactionStatus.Failed) return statement;
    return this.forwarder.statementForwarder.supply.ensure(server, statement, 'FetchPreparedStatement');
  }

  // --- effects ---

  bound(portal: string, effects: SqlEffects | undefined): void {
    if (effects === undefined) this.portals?.delete(portal);
    else {
      this.portals ??= new Map();
      this.portals.set(portal, effects);
    }
  }

  effectsOfExecute(bytes: Uint8Array, portalStart: number): SqlEffects | undefined {
    if (this.portals === undefined) return undefined;
    const end = indexOfZero(bytes, portalStart);
    return end < 0 ? undefined : this.portals.get(nameKey(bytes, portalStart, end));
  }

  executed(server: ServerConnection, effects: SqlEffects, code: number): void {
    // Portals are made anew by each Bind; what one did is done when it has completed.
    if (code === BackendCode.CommandComplete) this.apply(server, { ...effects, completed: 1 });
  }

  finishedQuery(server: ServerConnection, effects: SqlEffects): void {
    this.apply(server, effects);
  }

  private apply(server: ServerConnection, effects: SqlEffects): void {
    const { names: statements } = this.forwarder.statementForwarder;
    for (const effect of effects.list) {
      if (effect.at >= effects.completed) continue;
      if (effect.kind === 'prepare') {
        statements.set(effect.name, effect.statement);
        server.prepared.set(effect.statement, effect.statement.generation);
        this.unlearned ??= [];
        this.unlearned.push(effect.statement);
      } else if (effect.kind === 'deallocate') {
        statements.forget(effect.name);
        if (effect.statement !== undefined) server.prepared.delete(effect.statement);
      } else {
        statements.clear();
        server.prepared.clear();
      }
    }
  }

  /** Whether parameter types must be learned before the session may leave the connection. */
  learns(server: ServerConnection): boolean {
    if (this.unlearned === undefined) return false;
    this.learn(server, this.unlearned);
    return true;
  }

  private learn(server: ServerConnection, unlearned: readonly Statement[]): void {
    const { session } = this;
    this.unlearned = undefined;
    const names = unlearned.map((statement) => `'${utf8.decode(statement.name)}'`).join(', ');
    const collector = new MessageCollector((code, body) => {
      if (code !== BackendCode.DataRow) return;
      const [name, types] = decodeDataRow(body).map((cell) => (cell === null ? '' : utf8.decode(cell)));
      const statement = unlearned.find((candidate) => utf8.decode(candidate.name) === name);
      if (statement !== undefined) statement.text = withTypes(statement.text, types!);
    });
    server.sendQuery(
      encodeQuery(
        `SELECT name, parameter_types::pg_catalog.oid[]::text FROM pg_catalog.pg_prepared_statements WHERE name IN (${names})`,
      ),
      createErrand({
        receive: (bytes, start, end) => collector.push(bytes, start, end),
        ready: () => {
          if (session.server === server) session.errandDone();
        },
        lost: () => {},
      }),
      0,
    );
  }

  /**
   * Errors speak of names and positions as the caller wrote them: "prepared statement "x" already exists". True: the error
   * can go out as it came.
   */
  forwardsError(bytes: Uint8Array, start: number, end: number, ref: SqlEffects | StatementRef | undefined): boolean {
    const { names } = this.forwarder.statementForwarder;
    const edited = effectsOf(ref)?.text;
    const written = rewriteError(bytes, start, end, (field, value) => {
      // In a failed transaction: what is refused is the message behind our Parse.
      if (value === 'exec_parse_message' && field === 'R' && ref?.kind === 'injected') return ref.routine;
      if (field === 'P' && edited !== undefined) return String(originalPosition(edited, Number(value)));
      return value.includes(serverNamePrefix) ? names.renameIn(value) : value;
    });
    if (written === undefined) return true;
    this.session.give(written);
    return false;
  }
}

/** What the text that an answer belongs to has become, if it mentions prepared statements. */
function effectsOf(ref: SqlEffects | StatementRef | undefined): SqlEffects | undefined {
  switch (ref?.kind) {
    case 'sql-effects':
      return ref;
    case 'unnamed':
    case 'named':
    case 'injected':
      return ref.statement?.text.effects;
    default:
      return undefined;
  }
}

/** `text` with other SQL in place of its first `sqlLength` bytes. */
function withSql(text: StatementText, sqlLength: number, effects: SqlEffects): StatementText {
  const head = ascii.encode(effects.text.sql);
  const tail = new Uint8Array(head.length + text.tail.length - sqlLength);
  tail.set(head);
  tail.set(text.tail.subarray(sqlLength), head.length);
  return { ...text, tail, shared: undefined, byContext: undefined, effects };
}

/** The text of a Parse with the parameter types Postgres resolved, given as an oid array. */
function withTypes(text: StatementText, types: string): StatementText {
  const oids = types.replace(/[{}]/g, '').split(',').filter(Boolean).map(Number);
  const sqlEnd = text.tail.indexOf(0);
  const tail = new Uint8Array(sqlEnd + 3 + 4 * oids.length);
  tail.set(text.tail.subarray(0, sqlEnd));
  const view = new DataView(tail.buffer);
  view.setUint16(sqlEnd + 1, oids.length);
  for (const [i, oid] of oids.entries()) view.setUint32(sqlEnd + 3 + 4 * i, oid);
  return { ...text, tail, shared: undefined, byContext: undefined };
}

/** Names of SQL are characters, those of the protocol bytes: the key is one character per byte. */
function keyOf(name: string): string {
  let key = '';
  for (const byte of ascii.encode(name)) key += String.fromCharCode(byte);
  return key;
}
