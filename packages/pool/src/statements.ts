/**
 * Statements as the engine knows them. A text (with its parameter types) is remembered once per pool; a Statement is that
 * text under one parse context, with the name it has on server connections. Rules: reference/pooling.md §2.12.
 */
import { concatBytes, encodeClose } from '@postern/wire';
import { copyBytes } from './byte-buffer.ts';
import type { ConstantContext } from './label.ts';
import type { SqlTraits } from './sql/classify.ts';
import type { SqlEffects } from './sql-prepared.ts';
import { createFactsOfTexts, hashBytes, type TextFacts } from './text-facts.ts';

/** Server-side names begin with this; no caller's name is ever sent that does. */
export const serverNamePrefix = '_postern_';

/** The part of Parse behind the statement name (query text, parameter types), or a Query's body. */
export interface StatementText extends TextFacts {
  readonly tail: Uint8Array;
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
  /** Rises when it is to be parsed anew; connections that hold an older one do so. */
  generation: number;
  /** When the first connection parsed this generation, on the engine's clock; 0: none has. */
  parsedAt: number;
  /** The name on the server for the current generation, without terminator. */
  name: Uint8Array;
  /** Under which its constants are read wherever it is parsed; undefined while that is not known. */
  constants: ConstantContext | undefined;
  /** What its callers were told of its rows (result-shape.ts); undefined while nobody was. */
  shape: number | undefined;
}

/** A session's unnamed statement: an identity of its own, because Postgres keeps only one per connection. */
export interface UnnamedStatement {
  readonly text: StatementText;
}

export interface StatementTexts {
  /** When the schema that texts are about was last changed by a caller, on the engine's clock. */
  changedAt: number;
  /** What is known of the SQL at `bytes[start..end)` (borrowed). */
  facts(bytes: Uint8Array, start: number, end: number): TextFacts;
  /** The text at `bytes[start..end)` (borrowed). `sqlEnd` is where its SQL ends. */
  intern(bytes: Uint8Array, start: number, end: number, sqlEnd: number): StatementText;
  /** The statement of `text` under `context` (Label.parseContext); '' is the server's own. */
  statement(text: StatementText, context: string, constants: ConstantContext): Statement;
  /** A statement nobody else will be given. */
  privateStatement(text: StatementText, constants: ConstantContext | undefined): Statement;
  /** From now on the text means `other` to whom it would have meant `statement`. */
  supersede(statement: Statement, other: Statement): void;
}

const ascii = new TextEncoder();
/** No name of ours begins like this one. */
const closeStranger: Uint8Array = encodeClose('S', `${serverNamePrefix}?`);
const maxInternedBytes = 16_384;
const maxContexts = 64;

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

  const factsOfTexts = createFactsOfTexts({ classify: options.classify, maxShapes: options.maxTexts });

  function create(bytes: Uint8Array, start: number, end: number, sqlEnd: number): StatementText {
    const tail = bytes.slice(start, end);
    return { ...factsOfTexts.of(bytes, start, sqlEnd), tail, shared: undefined, byContext: undefined };
  }

  function newStatement(text: StatementText, constants: ConstantContext | undefined): Statement {
    const id = ++lastId;
    return { text, id, generation: 0, parsedAt: 0, name: serverName(id, 0), constants, shape: undefined };
  }

  return {
    changedAt: 0,
    facts: factsOfTexts.of,
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
    supersede(statement, other) {
      const { text } = statement;
      if (text.shared === statement) text.shared = other;
      for (const [context, shared] of text.byContext ?? [])
        if (shared === statement) text.byContext?.set(context, other);
    },
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

/** The next generation of a statement that went stale: every connection prepares it under a new name. */
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

/** A Close of a statement that does not exist, whose name ends in these bytes. */
export function encodeCloseOf(name: Uint8Array): Uint8Array {
  const message = concatBytes([closeStranger.subarray(0, -1), name, new Uint8Array(1)]);
  new DataView(message.buffer).setUint32(1, message.length - 1);
  return message;
}

function isEqual(tail: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (tail.length !== end - start) return false;
  for (let i = start, j = 0; i < end; i++, j++) if (tail[j] !== bytes[i]) return false;
  return true;
}
