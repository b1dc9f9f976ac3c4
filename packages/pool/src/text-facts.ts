/**
 * What the engine must know of a text of SQL before it is sent. Texts that differ in numbers only are looked at once: many
 * clients put their values into the text. Shapes are found by their bytes, without a string in between.
 */
import { Pace } from './pace.ts';
import { Reads } from './reads.ts';
import type { SqlTraits } from './sql/classify.ts';
import { isFollowedBy } from './sql/followed-by.ts';
import { traitsOfLargeText } from './sql/large-text.ts';

export interface TextFacts {
  readonly traits: SqlTraits;
  /** Dotted names in a text that may run code: they may be names of custom settings. */
  readonly dottedNames: readonly string[];
  /** Mentions NOTIFY or pg_notify. */
  readonly notifies: boolean;
  /** May change settings for the rest of its transaction. */
  readonly setsLocal: boolean;
  /** May change the settings under which constants are read. */
  readonly changesConstants: boolean;
  /** May make a function, or make one anew. */
  readonly changesFunctions: boolean;
  /** May be DDL that others notice. What a function or procedure does is not seen. */
  readonly changesSchema: boolean;
  /** Names a database as a whole, which Postgres refuses to change while anybody is connected to it. */
  readonly changesDatabase: boolean;
  /** May be a COPY from the caller. */
  readonly copiesIn: boolean;
  /** May lock rows, and wait for who has locked them. */
  readonly locksRows: boolean;
  /** Of all statements of this text, or of its shape. */
  readonly pace: Pace;
  /** Likewise. */
  readonly reads: Reads;
}

export interface FactsOfTexts {
  /** The facts of the SQL at `bytes[start..end)` (borrowed). */
  of(bytes: Uint8Array, start: number, end: number): TextFacts;
}

export interface FactsOfTextsOptions {
  readonly classify: (sql: string) => SqlTraits;
  /** Shapes remembered. */
  readonly maxShapes: number;
}

/** Longer ones rarely come again. */
const maxShapeBytes = 16_384;
const utf8 = new TextDecoder();

interface ShapeNode {
  /** The text with every number as 0. */
  readonly shape: Uint8Array;
  /** undefined: names of statements are in it, whose places count. */
  readonly facts: TextFacts | undefined;
  readonly next: ShapeNode | undefined;
}

export function createFactsOfTexts({ classify, maxShapes }: FactsOfTextsOptions): FactsOfTexts {
  let nodes = new Map<number, ShapeNode>();
  let older = new Map<number, ShapeNode>();
  let count = 0;
  /** Where the shape of the text at hand is written. */
  const memory = new Uint8Array(maxShapeBytes);

  function factsOf(sql: string): TextFacts {
    const traits = traitsOfLargeText(sql) ?? classify(sql);
    const setsLocal = /\bset\s+local\b|\bset_config\b/i.test(sql);
    return {
      traits,
      dottedNames: traits.inspectBeyondFunctions && traits.customSettings.length === 0 ? dottedNames(sql) : noNames,
      notifies: /notify/i.test(sql),
      setsLocal,
      changesConstants: (setsLocal || traits.inspect) && changesConstants(sql, traits),
      changesFunctions: traits.changesSchema && /\b(?:function|procedure|routine|extension)\b/i.test(sql),
      changesSchema: traits.changesSchema && /\b(?:create|alter|drop|import)\b/i.test(sql.replace(ownObjects, '')),
      changesDatabase: /\b(?:drop|alter|create)\s+database\b/i.test(sql),
      copiesIn: /\bcopy\b/i.test(sql) && /\bstdin\b/i.test(sql),
      locksRows: !traits.clean || isFollowedBy(sql, /\bfor\b/i, /\b(?:update|share)\b/i),
      pace: new Pace(),
      reads: new Reads(),
    };
  }

  /** Two generations make a least-recently-used memory that costs nothing per look-up. */
  function remember(hash: number, shape: Uint8Array, facts: TextFacts | undefined): void {
    if (count >= maxShapes / 2) {
      older = nodes;
      nodes = new Map();
      count = 0;
    }
    nodes.set(hash, { shape, facts, next: nodes.get(hash) });
    count++;
  }

  return {
    of(bytes, start, end) {
      if (end - start > maxShapeBytes) return factsOf(utf8.decode(bytes.subarray(start, end)));
      const length = writeShape(bytes, start, end, memory);
      const hash = hashBytes(memory, 0, length);
      let node = find(nodes.get(hash), memory, length);
      if (node === undefined) {
        node = find(older.get(hash), memory, length);
        if (node !== undefined) remember(hash, node.shape, node.facts);
      }
      if (node?.facts !== undefined) return node.facts;
      const sql = utf8.decode(bytes.subarray(start, end));
      if (node !== undefined) return factsOf(sql);
      const shape = memory.slice(0, length);
      const facts = factsOf(utf8.decode(shape));
      const isExact = facts.traits.prepared.length > 0;
      remember(hash, shape, isExact ? undefined : facts);
      return isExact ? factsOf(sql) : facts;
    },
  };
}

/** DDL that concerns its session only. */
const ownObjects = /\bcreate\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?temp(?:orary)?\b|\bon\s+commit\s+drop\b/gi;

/** Bytes that make what follows, or comes before, part of a name, a parameter, an escape or a fraction. */
const joins = new Uint8Array(256);
joins.fill(1, 0x80);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$') {
  joins[character.charCodeAt(0)] = 1;
}
const joinsNext: Uint8Array = joins.slice();
for (const character of '\\.') joinsNext[character.charCodeAt(0)] = 1;

/** Copies the text to `target`, each run of digits that stands alone as one 0; returns the length of that. */
export function writeShape(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let to = 0;
  let isJoined = false;
  for (let at = start; at < end; ) {
    const byte = bytes[at]!;
    if (isJoined || byte < 0x30 || byte > 0x39) {
      isJoined = joinsNext[byte] === 1;
      target[to++] = byte;
      at++;
      continue;
    }
    let behind = at + 1;
    while (behind < end && bytes[behind]! >= 0x30 && bytes[behind]! <= 0x39) behind++;
    if (behind === end || joins[bytes[behind]!] === 0) target[to++] = 0x30;
    else for (; at < behind; at++) target[to++] = bytes[at]!;
    isJoined = true;
    at = behind;
  }
  return to;
}

/** FNV-1a. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function find(first: ShapeNode | undefined, bytes: Uint8Array, length: number): ShapeNode | undefined {
  for (let node = first; node !== undefined; node = node.next) {
    const { shape } = node;
    let at = shape.length === length ? 0 : -1;
    while (at >= 0 && at < length && shape[at] === bytes[at]) at++;
    if (at === length) return node;
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
