// What callers post to `/sql` (reference/neon-wire.md §1.4): {"query", "params"?, "arrayMode"?} or {"queries": […]}.
// {"begin": {"query", …}} is {"query", …} and {"begin": null} is {"queries": []}, for requests that begin an interactive
// transaction: a server that does not know those (Neon's) must not run, and commit, the first statement on its own.
// Parameters come out as the texts Postgres reads. Their number is not compared with the statement: that is Postgres'.

import { type ExactJson, JsonDepthError, parseExactJson } from './exact-json.ts';
import { GatewayError } from './gateway-error.ts';
import { parameterText } from './parameter-text.ts';

/** One statement to run. */
export interface SqlStatement {
  readonly query: string;
  /** Text format, in order of `$1`, `$2` …; null is NULL. */
  readonly params: readonly (string | null)[];
  /** Overrides the array mode header. */
  readonly arrayMode: boolean | undefined;
}

/** A parsed body. */
export type SqlRequestBody =
  | { readonly kind: 'single'; readonly statement: SqlStatement }
  | { readonly kind: 'batch'; readonly statements: readonly SqlStatement[] };

/** Int16 in Bind. */
const maxParameters = 65_535;
/** Of JSON values used as parameters; serde_json's limit at Neon. */
const maxDepth = 128;
const loneSurrogate = /\p{Surrogate}/u;

/** Parses a body. Throws a GatewayError: `invalid_body`, or `invalid_statement` for what the protocol cannot carry. */
export function parseSqlRequestBody(text: string): SqlRequestBody {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the body, which may hold secrets.
    throw invalidBody('it is not valid JSON');
  }
  if (!isObject(json)) throw invalidBody('it is not an object');
  // Only escapes can produce half a character, so most bodies need no second look.
  const mayHaveLoneSurrogates = /\\u[dD][89a-fA-F]/.test(text);
  if (typeof json.query === 'string') {
    const exact = (): Record<string, ExactJson> => exactly(text);
    return {
      kind: 'single',
      statement: readStatement(withPlainIntegers(json, text), '', exact, mayHaveLoneSurrogates),
    };
  }
  if (isObject(json.begin)) {
    const exactBegin = (): Record<string, ExactJson> => exactly(text).begin as Record<string, ExactJson>; // an object here too
    return { kind: 'single', statement: readStatement(json.begin, 'in "begin", ', exactBegin, mayHaveLoneSurrogates) };
  }
  if (json.begin === null) return { kind: 'batch', statements: [] };
  if (!Array.isArray(json.queries)) {
    throw invalidBody(json.query === undefined ? 'it has neither "query" nor "queries"' : '"query" is not a string');
  }
  let exact: readonly ExactJson[] | undefined;
  const exactItem = (index: number): ExactJson => {
    exact ??= exactly(text).queries as ExactJson[]; // the same text: an array here too
    return exact[index]!;
  };
  const statements = json.queries.map((item: unknown, index) => {
    const where = `in "queries" [${index}], `;
    if (!isObject(item)) throw invalidBody(`${where}an object is expected`);
    const exactStatement = (): Record<string, ExactJson> => exactItem(index) as Record<string, ExactJson>; // like `item`
    return readStatement(item, where, exactStatement, mayHaveLoneSurrogates);
  });
  return { kind: 'batch', statements };
}

/** `exactly` gives the same object with exact numbers; called only when a parameter is neither string nor null. */
function readStatement(
  json: Record<string, unknown>,
  where: string,
  exactly: () => Record<string, ExactJson>,
  mayHaveLoneSurrogates: boolean,
): SqlStatement {
  const { query, params = [], arrayMode } = json;
  if (typeof query !== 'string') throw invalidBody(`${where}"query" is not a string`);
  if (!Array.isArray(params)) throw invalidBody(`${where}"params" is not an array`);
  if (arrayMode !== undefined && arrayMode !== null && typeof arrayMode !== 'boolean') {
    throw invalidBody(`${where}"arrayMode" is neither true nor false`);
  }
  if (query.includes('\0')) throw new GatewayError('invalid_statement', `${where}"query" contains a NUL character`);
  if (params.length > maxParameters) {
    throw new GatewayError(
      'invalid_statement',
      `${where}"params" has ${params.length} elements; Postgres takes at most ${maxParameters}`,
    );
  }
  const texts = params.every(isTextOrNull) ? params : parameterTexts(exactly().params as ExactJson[], where);
  if (mayHaveLoneSurrogates && [query, ...texts].some((text) => text !== null && loneSurrogate.test(text))) {
    throw invalidBody(`${where}a string holds half of a surrogate pair`);
  }
  return { query, params: texts, arrayMode: arrayMode ?? undefined };
}

/** The most common parameters beside strings, without the exact parser: whole numbers written as digits alone. */
function withPlainIntegers(json: Record<string, unknown>, text: string): Record<string, unknown> {
  const { params } = json;
  if (!Array.isArray(params) || !params.some(isPlainInteger)) return json;
  if (!params.every((value) => isTextOrNull(value) || isPlainInteger(value)) || otherNumber.test(text)) return json;
  return {
    ...json,
    params: params.map((value: string | number | null) => (isTextOrNull(value) ? value : String(value))),
  };
}

/** What any number holds that is not digits alone, and some strings. */
const otherNumber = /\d[.eE]/;

/** -0 has another text than its value. */
function isPlainInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function parameterTexts(params: readonly ExactJson[], where: string): (string | null)[] {
  return params.map((value, index) => {
    try {
      return parameterText(value);
    } catch (error) {
      if (error instanceof RangeError) throw invalidBody(`${where}"params" [${index}]: ${error.message}`);
      throw error;
    }
  });
}

function exactly(text: string): Record<string, ExactJson> {
  try {
    return parseExactJson(text, maxDepth) as Record<string, ExactJson>; // JSON.parse has found an object
  } catch (error) {
    if (error instanceof JsonDepthError) throw invalidBody(`it is nested deeper than ${maxDepth} levels`);
    throw error;
  }
}

function isTextOrNull(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalidBody(reason: string): GatewayError {
  return new GatewayError('invalid_body', `could not parse the HTTP request body: ${reason}`);
}
