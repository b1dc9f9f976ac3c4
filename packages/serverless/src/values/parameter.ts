/** JS values as query parameters, converted as node-postgres does. */
import { usageError } from '../postern-error.ts';
import { bytesOf, formatBytea } from './bytes.ts';
import { formatDate } from './date.ts';

interface ToPostgres {
  toPostgres(prepare: typeof prepareValue): unknown;
}

/**
 * Text, bytes (of `Buffer`, typed arrays and `ArrayBuffer`) or null. Throws a PosternError for what has no text: functions,
 * symbols, invalid dates and objects that lead back to themselves.
 */
export function prepareValue(value: unknown): string | Uint8Array | null {
  return prepare(value, []);
}

/** The same over HTTP, where everything is text. */
export function parameterText(value: unknown): string | null {
  const prepared = prepareValue(value);
  return typeof prepared === 'object' && prepared !== null ? formatBytea(prepared) : prepared;
}

function prepare(value: unknown, seen: unknown[]): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  const bytes = bytesOf(value);
  if (bytes) return bytes;
  const { toPostgres } = value as Partial<ToPostgres>;
  try {
    if (value instanceof Date) return formatDate(value);
    if (Array.isArray(value)) return arrayText(value);
    if (typeof value !== 'object' && typeof value !== 'function') return `${value as string}`; // fails for symbols
    if (!toPostgres) return JSON.stringify(value).toString(); // and here functions
  } catch (error) {
    throw usageError(`a ${typeof value} cannot be a query parameter: ${(error as Error).message}`);
  }
  if (seen.includes(value)) throw usageError('toPostgres() leads back to the same object');
  return prepare(toPostgres.call(value, prepareValue), [...seen, value]);
}

/** Every element quoted, so that none can be mistaken for NULL. */
function arrayText(list: readonly unknown[]): string {
  const elements = list.map((item) => {
    if (Array.isArray(item)) return arrayText(item);
    const bytes = bytesOf(item);
    if (bytes) return `\\${formatBytea(bytes)}`;
    const prepared = prepareValue(item);
    return prepared === null ? 'NULL' : `"${String(prepared).replace(/[\\"]/g, '\\$&')}"`;
  });
  return `{${elements.join(',')}}`;
}
