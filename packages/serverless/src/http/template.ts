/** SQL in pieces: what a tagged template and the helpers make, and how pieces become one statement with `$n` parameters. */
import { createError } from '../postern-error.ts';
import { bytesOf } from '../values/bytes.ts';

/** A statement as it is sent. */
export interface ParameterizedQuery {
  query: string;
  params: unknown[];
}

/** Something with SQL in it: a query that has not been sent can be a part of another one. */
export interface QueryLike {
  readonly queryData: SqlTemplate | ParameterizedQuery;
}

/** The texts of a template and what stands between them. */
export class SqlTemplate implements QueryLike {
  declare readonly strings: readonly string[];
  declare readonly values: readonly unknown[];

  constructor(strings: readonly string[], values: readonly unknown[]) {
    this.strings = strings;
    this.values = values;
  }

  get queryData(): SqlTemplate {
    return this;
  }

  /** Appends to `result`. Throws a PosternError for what cannot be a part of a statement. */
  toParameterizedQuery(result?: ParameterizedQuery): ParameterizedQuery {
    return parameterize(this, result);
  }
}

/** SQL that goes in as it is. */
export class UnsafeRawSql extends SqlTemplate {
  declare readonly sql: string;

  constructor(sql: string) {
    super([sql], []);
    this.sql = sql;
  }
}

/**
 * The SQL a value is; undefined for parameters. Recognised by a method, as it may come from another copy of us, or be a query
 * of the official driver: what a stranger can send as JSON has none, and must never become SQL.
 */
export function queryDataOf(value: unknown): QueryLike['queryData'] | undefined {
  const piece = value as (Partial<SqlTemplate> & { then?: unknown }) | undefined | null;
  return typeof (piece?.then ?? piece?.toParameterizedQuery) === 'function' ? piece!.queryData : undefined;
}

/** One statement of all pieces, appended to `result`. */
export function parameterize(
  data: QueryLike['queryData'],
  result: ParameterizedQuery = { query: '', params: [] },
): ParameterizedQuery {
  if ('query' in data) return data;
  data.strings.forEach((text, index) => {
    result.query += text;
    if (!(index in data.values)) return;
    const value = data.values[index];
    const piece = queryDataOf(value);
    if (!piece) {
      if (Array.isArray(value) && value.some(queryDataOf)) {
        throw createError('usage', 'an array of fragments: use sql.join()');
      }
      result.query += `$${result.params.push(value)}`;
      if (bytesOf(value)) result.query += '::bytea';
    } else if ('strings' in piece) {
      parameterize(piece, result);
    } else {
      if (piece.params.length) throw createError('usage', 'This query is not composable');
      result.query += piece.query;
    }
  });
  return result;
}

/** `"a"."b"` */
export function quoteIdentifier(...names: readonly string[]): string {
  return names.map((name) => `"${name.replace(/"/g, '""')}"`).join('.');
}

function notEmpty<List extends { length: number }>(list: List): List {
  if (list?.length) return list;
  throw createError('usage', 'an empty list');
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
  return new SqlTemplate([before, ...fragments.slice(1).fill(separator), after] as string[], fragments);
}

export const fragmentHelpers: FragmentHelpers = {
  unsafe: (raw) => new UnsafeRawSql(raw),
  identifier: (...names) => new UnsafeRawSql(quoteIdentifier(...names.map(notEmpty))),
  in: (list) => join(notEmpty(list), ', ', '(', ')'),
  values(rows, columns) {
    // All rows decide: a key that only the last one has must not be lost.
    const names = columns ?? (Array.isArray(notEmpty(rows)[0]) ? [] : Object.keys(Object.assign({}, ...rows)));
    const lists = rows.map((row) => {
      const cells = Array.isArray(row) ? row : names.map((name) => (row as Record<string, unknown>)[name]);
      const orDefault = cells.map((value) => (value === undefined ? new UnsafeRawSql('DEFAULT') : value));
      return join(orDefault, ', ', '(', ')');
    });
    return join(lists, ', ', names.length ? `(${names.map((name) => quoteIdentifier(name))}) VALUES ` : 'VALUES ');
  },
  join,
};
