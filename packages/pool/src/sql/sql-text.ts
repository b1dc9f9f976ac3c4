/** One text made ready for classification: its tokens, statements, and notes about tokens that several rules share. */
import { type Statements, splitStatements } from './statements.ts';
import { type TokenizeOptions, type Tokens, tokenize } from './tokenize.ts';

/** Notes on single tokens, as bits. */
export const Mark = {
  /** An identifier before "(" that names something else than a function. */
  noCall: 1,
  /** The "(" of a function call. */
  call: 2,
  /** The "(" of a call of a function known to be harmless, so certainly not of some construct of the grammar. */
  harmlessCall: 4,
  /** INSERT, UPDATE, DELETE or MERGE where it can only be the verb, not a column of that name. */
  verb: 8,
} as const;

export interface SqlText extends Tokens, Statements {
  /** One entry per token, see {@link Mark}. Written while the text is classified. */
  readonly marks: Uint8Array;
}

export function readSqlText(sql: string, options?: TokenizeOptions): SqlText {
  const tokens = tokenize(sql, options);
  return { ...tokens, ...splitStatements(tokens), marks: new Uint8Array(tokens.count) };
}
