/**
 * What the tokens of one statement may do beyond its verb: the functions it calls, data-modifying WITH queries, SELECT INTO,
 * temporary objects. One pass; whatever is not provably something else is taken for a call of a function.
 *
 * Out of sight, and accepted: functions that hide behind views, operators, casts of user-defined types, column defaults,
 * row-level security, and triggers; and attribute notation (`t.f` for `f(t)`) with functions of the application.
 */
import { CallContext } from './call-context.ts';
import { isHarmlessFunction } from './harmless-functions.ts';
import { foldCase, identifierName, isIdentifier } from './identifiers.ts';
import { type FunctionEffect, functionEffect } from './sensitive-functions.ts';
import { readSetConfig } from './set-config.ts';
import type { SqlText } from './sql-text.ts';
import { DOT, OPEN_PAREN, TokenKind } from './tokenize.ts';
import { isOneOf, isWord } from './words.ts';

/** Beyond this many different unknown functions in a text their names are of no use to anyone. */
export const MAX_UNKNOWN_FUNCTIONS = 64;

const DATA_VERBS: readonly string[] = ['insert', 'update', 'delete', 'merge'];
const NOT_BEFORE_VERB: readonly string[] = ['for', 'key', 'as'];

const P = 112;

/** What a scan found. */
export interface Scan {
  /** INSERT, UPDATE, DELETE or MERGE, at the top or in a WITH query. */
  modifiesData: boolean;
  /** SELECT … INTO. */
  createsTable: boolean;
  /** Something that inspection must look for, whatever is known about the functions in `unknownFunctions`. */
  holds: boolean;
  /** A trace that inspection need not look for. */
  leavesTrace: boolean;
  /** Bound to the connection, or slow. */
  isBound: boolean;
  /** A setting may have been set back to its default. */
  resets: boolean;
  permanent: string | undefined;
  readonly unknownFunctions: Set<string>;
  readonly settings: SettingNames;
}

/** Settings that a text sets for longer than its transaction, as far as their names can be read. */
export interface SettingNames {
  /** Names with a dot: custom ones. */
  readonly custom: Set<string>;
  /** Numbers of parameters that are names. */
  readonly parameters: Set<number>;
  /** Folded names of those that may be set back to their defaults; '*': any. */
  readonly reset: Set<string>;
  /** RESET or SET … TO DEFAULT did it. */
  isReset: boolean;
  /** Others are computed. */
  areComputed: boolean;
}

export function createSettingNames(): SettingNames {
  return { custom: new Set(), parameters: new Set(), reset: new Set(), isReset: false, areComputed: false };
}

export function createScan(settings: SettingNames = createSettingNames()): Scan {
  return {
    settings,
    modifiesData: false,
    createsTable: false,
    holds: false,
    leavesTrace: false,
    isBound: false,
    resets: false,
    permanent: undefined,
    unknownFunctions: new Set(),
  };
}

/** Scans tokens [first, end); `verb` is the token of INSERT, UPDATE, SELECT … when the statement has one there. */
export function scanExpressions(text: SqlText, first: number, end: number, verb: number, scan: Scan): void {
  const context = new CallContext(text, verb);
  const { kinds } = text;
  let mentionsSettings = false;
  for (let i = first; i < end; i++) {
    const kind = kinds[i]!;
    if (kind > TokenKind.unicodeIdentifier) continue;
    if (kinds[i + 1] === OPEN_PAREN && i + 1 < end) scanCall(text, i, context, scan);
    else if (kinds[i - 1] === DOT) scanAttribute(text, i, scan);
    if (kind === TokenKind.word && text.ends[i]! - text.starts[i]! < 7) scanWord(text, i, context, scan);
    else if (scanName(text, i, scan)) mentionsSettings = true;
  }
  if (mentionsSettings && scan.modifiesData) {
    // UPDATE pg_settings is SET: the view has a rule that calls set_config.
    scan.holds = true;
    scan.resets = true;
    scan.settings.reset.add('*');
    if (mentionsSeed(text, first, end)) scan.permanent ??= 'UPDATE pg_settings';
  }
}

function scanWord(text: SqlText, i: number, context: CallContext, scan: Scan): void {
  switch (text.ends[i]! - text.starts[i]!) {
    case 4:
      if (isWord(text, i, 'with')) context.enterWith(i);
      else if (isWord(text, i, 'join')) context.hasJoin = true;
      else if (isWord(text, i, 'into') && !context.isInsertOrMerge(i - 1)) scan.createsTable = true;
      return;
    case 5:
    case 6:
      if (!isOneOf(text, i, DATA_VERBS)) return;
      // FOR UPDATE, FOR NO KEY UPDATE, t.update, 1 AS update
      if (!context.isVerb(i) && (text.kinds[i - 1] === DOT || isOneOf(text, i - 1, NOT_BEFORE_VERB))) return;
      scan.modifiesData = true;
      if (isWord(text, i, 'merge')) context.hasJoin = true;
      context.enterUpdate(i);
      return;
  }
}

/** Looks for temporary objects by their schema; answers whether the name is that of the view pg_settings. */
function scanName(text: SqlText, i: number, scan: Scan): boolean {
  const start = text.starts[i]!;
  if (text.kinds[i] === TokenKind.word && (text.sql.charCodeAt(start) | 32) !== P) return false;
  if (text.kinds[i] === TokenKind.unicodeIdentifier && isWord(text, i + 1, 'uescape')) {
    // With an escape character of its own the name is not decoded; it may be any. Nobody writes this.
    scan.holds = true;
    scan.permanent ??= 'UESCAPE';
  }
  const name = identifierName(text, i);
  if (name === 'pg_temp' || name.startsWith('pg_temp_')) scan.holds = true;
  return name === 'pg_settings';
}

function mentionsSeed(text: SqlText, first: number, end: number): boolean {
  for (let i = first; i < end; i++) {
    if (text.kinds[i]! < TokenKind.string || text.kinds[i]! > TokenKind.dollarString) continue;
    if (/seed/i.test(text.sql.slice(text.starts[i], text.ends[i]))) return true;
  }
  return false;
}

/** `x.name` without parentheses is a call of name(x) when x has no such column, even for a scalar x. */
function scanAttribute(text: SqlText, i: number, scan: Scan): void {
  const name = identifierName(text, i);
  const effect = functionEffect(name);
  if (effect !== undefined) applyEffect(effect, name, scan);
}

function scanCall(text: SqlText, i: number, context: CallContext, scan: Scan): void {
  // The name may be qualified: a.b.c(
  let start = i;
  while (text.kinds[start - 1] === DOT && isIdentifier(text, start - 2)) start -= 2;
  if (start === i && isWord(text, i, 'treat')) {
    // TREAT(x AS f) is the call pg_catalog.f(x).
    scan.holds = true;
    scan.permanent ??= 'TREAT';
    return;
  }
  if (context.isNoCall(i, start)) return;
  const name = identifierName(text, i);
  const schema = start === i ? undefined : identifierName(text, i - 2);
  if (name === 'set_config') {
    const call = readSetConfig(text, i + 1);
    if (call.resets) {
      scan.resets = true;
      scan.settings.reset.add(call.name === undefined ? '*' : foldCase(call.name));
    }
    if (call.permanent !== undefined) scan.permanent ??= call.permanent;
    if (call.isLocal) scan.isBound = true;
    else {
      scan.holds = true;
      if (!call.mayLast) return;
      if (call.parameter !== undefined) scan.settings.parameters.add(call.parameter);
      else if (call.name === undefined) scan.settings.areComputed = true;
      else if (call.name.includes('.')) scan.settings.custom.add(call.name);
    }
    return;
  }
  const effect = functionEffect(name);
  if (effect !== undefined) {
    applyEffect(effect, name, scan);
    return;
  }
  if (isBuiltIn(name, schema)) {
    context.noteHarmlessCall(i + 1);
    return;
  }
  context.noteCall(i + 1);
  if (scan.unknownFunctions.size < MAX_UNKNOWN_FUNCTIONS) scan.unknownFunctions.add(name);
  else if (!scan.unknownFunctions.has(name)) scan.holds = true;
}

function isBuiltIn(name: string, schema: string | undefined): boolean {
  if (schema === 'information_schema') return name.startsWith('_pg_');
  return (schema === undefined || schema === 'pg_catalog') && isHarmlessFunction(name);
}

function applyEffect(effect: FunctionEffect, name: string, scan: Scan): void {
  if (effect === 'holds') scan.holds = true;
  else if (effect === 'permanent') scan.permanent ??= name;
  else if (effect === 'trace') scan.leavesTrace = true;
  else scan.isBound = true;
}
