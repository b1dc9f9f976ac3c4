/**
 * Statements as the engine knows them. A text (with its parameter types) is remembered once per pool; a Statement is that
 * text under one parse context, with the name it has on server connections. Rules: reference/pooling.md §2.12.
 */
import { copyBytes } from './byte-buffer.ts';
import type { ConstantContext } from './label.ts';
import type { SqlTraits } from './sql/classify.ts';
import { traitsOfLargeText } from './sql/large-text.ts';
import type { SqlEffects } from './sql-prepared.ts';

/** Server-side names begin with this; no caller's name is ever sent that does. */
export const serverNamePrefix = '_postern_';

/** The part of Parse behind the statement name (query text, parameter types), or a Query's body. */
export interface StatementText {
  readonly tail: Uint8Array;
  readonly traits: SqlTraits;
  /** Dotted names in a text that sets settings: those of an extension or of the application's own do not show in pg_settings. */
  readonly customSettings: readonly string[];
  /** Mentions NOTIFY or pg_notify. */
  readonly notifies: boolean;
  /** May change settings for the rest of its transaction. */
  readonly setsLocal: boolean;
  /** May change the settings under which constants are read. */
  readonly changesConstants: boolean;
  /** Names a database as a whole, which Postgres refuses to change while anybody is connected to it. */
  readonly changesDatabase: boolean;
  /** May be a COPY from the caller. */
  readonly copiesIn: boolean;
  /** The statement of callers that parse as the server does by default. */
  shared: Statement | undefined;
  byContext: Map<string, Statement> | undefined;
  /** What executing it does to the session's own statements (PREPARE and its kind); set only on rewritten texts. */
  readonly effects?: SqlEffects | undefined;
}

/** A named statement that server connections can hold. */
export interface Statement {
  /** Replaced once for a statement made by PREPARE, when Postgres has told its parameter types. */
  text: StatementText;
  readonly id: number;
  /** Rises when Postgres calls its plan stale; connections that hold an older one prepare it anew. */
  generation: number;
  /** The name on the server for the current generation, without terminator. */
  name: Uint8Array;
  /** Under which its constants are read wherever it is parsed; undefined while that is not known. */
  constants: ConstantContext | undefined;
}

/** A session's unnamed statement: an identity of its own, because Postgres keeps only one per connection. */
export interface UnnamedStatement {
  readonly text: StatementText;
}

export interface StatementTexts {
  /** The text at `bytes[start..end)` (borrowed). `sqlEnd` is where its SQL ends. */
  intern(bytes: Uint8Array, start: number, end: number, sqlEnd: number): StatementText;
  /** The statement of `text` under `context` (Label.parseContext); '' is the server's own. */
  statement(text: StatementText, context: string, constants: ConstantContext): Statement;
  /** A statement nobody else will be given. */
  privateStatement(text: StatementText, constants: ConstantContext | undefined): Statement;
}

const ascii = new TextEncoder();
const utf8 = new TextDecoder();
const maxInternedBytes = 16_384;
const maxContexts = 64;
const maxNormalisedCharacters = 4_096;
/** Digits that are no part of a name, a parameter, an escape or a fraction. */
const numbers = /(?<![\w$\\.\u0080-\uffff])\d+(?![\w$\u0080-\uffff])/g;

interface TextNode {
  readonly text: StatementText;
  readonly next: TextNode | undefined;
}

export function createStatementTexts(options: {
  readonly classify: (sql: string) => SqlTraits;
  readonly maxTexts: number;
}): StatementTexts {
  let nodes = new Map<number, TextNode>();
  let older = new Map<number, TextNode>();
  let count = 0;
  let lastId = 0;

  function create(bytes: Uint8Array, start: number, end: number, sqlEnd: number): StatementText {
    const tail = bytes.slice(start, end);
    const sql = utf8.decode(tail.subarray(0, sqlEnd - start));
    const traits = traitsOfLargeText(sql) ?? classify(sql);
    const customSettings = traits.inspectBeyondFunctions ? dottedNames(sql) : noNames;
    const setsLocal = /\bset\s+local\b|\bset_config\b/i.test(sql);
    return {
      tail,
      traits,
      customSettings,
      notifies: /notify/i.test(sql),
      setsLocal,
      changesConstants: (setsLocal || traits.inspect) && changesConstants(sql, traits),
      changesDatabase: /\b(?:drop|alter|create)\s+database\b/i.test(sql),
      copiesIn: /\bcopy\b/i.test(sql) && /\bstdin\b/i.test(sql),
      shared: undefined,
      byContext: undefined,
    };
  }

  /** Texts that differ in numbers only are classified once: many clients put their values into the text. */
  function classify(sql: string): SqlTraits {
    const traits = options.classify(sql.length > maxNormalisedCharacters ? sql : sql.replace(numbers, '0'));
    // Where names were found their places count.
    return traits.prepared.length > 0 ? options.classify(sql) : traits;
  }

  function newStatement(text: StatementText, constants: ConstantContext | undefined): Statement {
    const id = ++lastId;
    return { text, id, generation: 0, name: serverName(id, 0), constants };
  }

  return {
    intern(bytes, start, end, sqlEnd) {
      if (end - start > maxInternedBytes) return create(bytes, start, end, sqlEnd);
      const hash = hashBytes(bytes, start, end);
      const recent = find(nodes.get(hash), bytes, start, end);
      if (recent !== undefined) return recent;
      const old = find(older.get(hash), bytes, start, end);
      if (old !== undefined) {
        remember(hash, old);
        return old;
      }
      const text = create(bytes, start, end, sqlEnd);
      remember(hash, text);
      return text;
    },
    statement(text, context, constants) {
      if (context === '') {
        text.shared ??= newStatement(text, constants);
        return text.shared;
      }
      text.byContext ??= new Map();
      let statement = text.byContext.get(context);
      if (statement === undefined) {
        if (text.byContext.size >= maxContexts) text.byContext.clear();
        statement = newStatement(text, constants);
        text.byContext.set(context, statement);
      }
      return statement;
    },
    privateStatement: newStatement,
  };

  /** Two generations make a least-recently-used memory that costs nothing per look-up. */
  function remember(hash: number, text: StatementText): void {
    if (count >= options.maxTexts / 2) {
      older = nodes;
      nodes = new Map();
      count = 0;
    }
    nodes.set(hash, { text, next: nodes.get(hash) });
    count++;
  }
}

function find(first: TextNode | undefined, bytes: Uint8Array, start: number, end: number): StatementText | undefined {
  for (let node = first; node !== undefined; node = node.next) {
    if (isEqual(node.text.tail, bytes, start, end)) return node.text;
  }
  return undefined;
}

/** In a text that sets something: the settings that constants depend on, and what may set any without naming it. */
const settingsOfConstants =
  /array_nulls|backslash_quote|client_encoding|datestyle|text_search_config|intervalstyle|lc_monetary|lc_numeric|standard_conforming|time\s*zone|transform_null|xml|\b(?:all|alter|call|create|do|drop|execute|import|names|refresh)\b|set_config\s*\(\s*[^'\s]/i;

function changesConstants(sql: string, traits: SqlTraits): boolean {
  return traits.ambiguous || traits.unknownFunctions.length > 0 || settingsOfConstants.test(sql);
}

const noNames: readonly string[] = [];

/** What may be names of custom settings; too many do no harm. */
function dottedNames(sql: string): readonly string[] {
  const names = sql
    .slice(0, 10_000)
    .match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)+/g);
  return names === null ? noNames : [...new Set(names)].slice(0, 20);
}

/** The next generation of a statement whose plan went stale: every connection prepares it under a new name. */
export function renewStatement(statement: Statement): void {
  statement.generation++;
  statement.name = serverName(statement.id, statement.generation);
}

/** What a statement of this id is called on server connections. */
export function serverName(id: number, generation: number): Uint8Array {
  return ascii.encode(generation === 0 ? `${serverNamePrefix}${id}` : `${serverNamePrefix}${id}_${generation}`);
}

/** A Parse message of `tail` under `name`. */
export function encodeParseOf(name: Uint8Array, tail: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + 4 + name.length + 1 + tail.length);
  message[0] = 0x50;
  new DataView(message.buffer).setUint32(1, message.length - 1);
  copyBytes(name, 0, name.length, message, 5);
  copyBytes(tail, 0, tail.length, message, 6 + name.length);
  return message;
}

/** FNV-1a. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function isEqual(tail: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (tail.length !== end - start) return false;
  for (let i = start, j = 0; i < end; i++, j++) if (tail[j] !== bytes[i]) return false;
  return true;
}
