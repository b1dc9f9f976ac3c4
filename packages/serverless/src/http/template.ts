/** SQL in pieces: what a tagged template and the helpers make, and how pieces become one statement with `$n` parameters. */
import { usageError } from '../postern-error.ts';
import { bytesOf } from '../values/bytes.ts';

/** A statement as it is sent. */
export interface ParameterizedQuery {
  query: string;
  params: unknown[];
}

/** SQL that goes in as it is. */
export class UnsafeRawSql {
  readonly sql: string;

  constructor(sql: string) {
    this.sql = sql;
  }
}

/** Something with SQL in it: a query that has not been sent can be a part of another one. */
interface QueryLike {
  readonly queryData: SqlTemplate | ParameterizedQuery;
}

/** The texts of a template and what stands between them. */
export class SqlTemplate {
  readonly strings: readonly string[];
  readonly values: readonly unknown[];

  constructor(strings: readonly string[], values: readonly unknown[]) {
    this.strings = strings;
    this.values = values;
  }

  /** Appends to `result`. Throws a PosternError for what cannot be a part of a statement. */
  toParameterizedQuery(result: ParameterizedQuery = { query: '', params: [] }): ParameterizedQuery {
    this.strings.forEach((text, index) => {
      result.query += text;
      if (index < this.values.length) append(result, this.values[index]);
    });
    return result;
  }
}

function append(result: ParameterizedQuery, value: unknown): void {
  const piece = fragmentOf(value);
  if (piece instanceof SqlTemplate) {
    piece.toParameterizedQuery(result);
  } else if (piece) {
    if (piece.params.length > 0) throw usageError('This query is not composable');
    result.query += piece.query;
  } else {
    if (Array.isArray(value) && value.some(fragmentOf)) {
      throw usageError('an array of fragments: use sql.join()');
    }
    result.query += `$${result.params.push(value)}${bytesOf(value) ? '::bytea' : ''}`;
  }
}

/** The piece of SQL a value is; undefined for parameters. Recognised by its shape: it may come from another copy of us. */
export function fragmentOf(value: unknown): SqlTemplate | ParameterizedQuery | undefined {
  if (value instanceof UnsafeRawSql) return { query: value.sql, params: [] };
  if (value instanceof SqlTemplate) return value;
  const { queryData } = (value ?? {}) as Partial<QueryLike>;
  if (queryData && 'strings' in queryData) return new SqlTemplate(queryData.strings, queryData.values);
  return queryData;
}

/** `"a"."b"` */
export function quoteIdentifier(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** Builders of pieces, found on every `sql`. */
export interface FragmentHelpers {
  /** `raw` as it is: for trusted text only. */
  unsafe(raw: string): UnsafeRawSql;
  /** A quoted name: `identifier('public', 'users')` is `"public"."users"`. */
  identifier(...names: string[]): UnsafeRawSql;
  /** `($1, $2, …)` for `IN`. Throws for an empty list, as SQL has none: `= ANY(${list})` has no such limit. */
  in(list: readonly unknown[]): SqlTemplate;
  /**
   * What follows `INSERT INTO t`: `("a", "b") VALUES ($1, $2), …` of objects, or of arrays when `columns` are given;
   * arrays alone give `VALUES ($1, $2), …`. A value that is undefined or missing is DEFAULT.
   */
  values(rows: readonly (readonly unknown[] | object)[], columns?: readonly string[]): SqlTemplate;
  /** Fragments (other values become parameters) with raw SQL between them; default `, `. */
  join(fragments: readonly unknown[], separator?: string): SqlTemplate;
}

function join(fragments: readonly unknown[], separator = ', ', before = '', after = ''): SqlTemplate {
  if (fragments.length === 0) return new SqlTemplate([before + after], []);
  return new SqlTemplate([before, ...fragments.slice(1).fill(separator), after] as string[], fragments);
}

function values(rows: readonly (readonly unknown[] | object)[], columns?: readonly string[]): SqlTemplate {
  if (rows.length === 0) throw usageError('sql.values() needs at least one row');
  // All rows decide: a key that only the last one has must not be lost.
  const names = columns ?? (Array.isArray(rows[0]) ? [] : [...new Set(rows.flatMap((row) => Object.keys(row)))]);
  const lists = rows.map((row) => {
    const cells = Array.isArray(row) ? row : names.map((name) => (row as Record<string, unknown>)[name]);
    return join(
      cells.map((value) => (value === undefined ? new UnsafeRawSql('DEFAULT') : value)),
      ', ',
      '(',
      ')',
    );
  });
  const list = names.map((name) => quoteIdentifier(name)).join(', ');
  return join(lists, ', ', `${list && `(${list}) `}VALUES `);
}

export const fragmentHelpers: FragmentHelpers = {
  unsafe: (raw) => new UnsafeRawSql(raw),
  identifier: (...names) => new UnsafeRawSql(quoteIdentifier(...names)),
  in(list) {
    if (list.length === 0) throw usageError('sql.in() needs a value; write = ANY(…) where there may be none');
    return join(list, ', ', '(', ')');
  },
  values,
  join: (fragments, separator) => join(fragments, separator),
};
