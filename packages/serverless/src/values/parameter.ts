/** JS values as query parameters, converted as node-postgres does. */
import { createError, PosternError } from '../postern-error.ts';
import { bytesOf } from './bytes.ts';
import { formatDate } from './date.ts';

interface ToPostgres {
  toPostgres(prepare: typeof prepareValue): unknown;
}

/**
 * Text, bytes (of `Buffer`, typed arrays and `ArrayBuffer`) or null. Throws a PosternError for what has no text: functions,
 * symbols, invalid dates and objects that lead back to themselves.
 */
export function prepareValue(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  try {
    if (value instanceof Date) return formatDate(value);
    if (Array.isArray(value)) return arrayText(value);
    const bytes = bytesOf(value);
    if (bytes) return bytes;
    if (typeof (value as Partial<ToPostgres>).toPostgres === 'function') {
      return prepareValue((value as ToPostgres).toPostgres(prepareValue)); // the stack ends if it comes back
    }
    // Fails for functions and symbols.
    return Object(value) === value ? JSON.stringify(value).toString() : `${value as string}`;
  } catch (error) {
    if (error instanceof PosternError) throw error;
    throw createError('usage', `invalid ${typeof value} parameter: ${error}`);
  }
}

/** The same over HTTP, where everything is text. */
export function parameterText(value: unknown): string | null {
  const prepared = prepareValue(value);
  return prepared instanceof Uint8Array
    ? prepared.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '\\x')
    : prepared;
}

/** Every element quoted, so that none can be mistaken for NULL. */
function arrayText(list: readonly unknown[]): string {
  // Holes, too.
  const elements = Array.from(list, (item) => {
    if (Array.isArray(item)) return arrayText(item);
    return parameterText(item)?.replace(/[\\"]/g, '\\$&').replace(/^.*$/s, '"$&"') ?? 'NULL';
  });
  return `{${elements}}`;
}
