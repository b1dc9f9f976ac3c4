/** The few backend messages that the engine makes itself, as bytes. */
import { concatBytes, DatabaseError, encodeErrorResponse, encodeReadyForQuery } from '@postern/wire';
import { indexOfZero } from './byte-buffer.ts';
import { PoolError } from './errors.ts';
import { messageOf } from './pool-errors.ts';

const idle: Uint8Array = encodeReadyForQuery('I');
const open: Uint8Array = encodeReadyForQuery('T');
const failed: Uint8Array = encodeReadyForQuery('E');
const terminator: Uint8Array = new Uint8Array(1);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** `status` is the status byte of the protocol. */
export function readyForQuery(status: number): Uint8Array {
  return status === 0x49 ? idle : status === 0x54 ? open : failed;
}

/** An ErrorResponse from a text with its SQLSTATE, or from an error that has its own. */
export function errorMessage(severity: 'ERROR' | 'FATAL', code: string, error: unknown): Uint8Array {
  if (error instanceof DatabaseError) {
    return encodeErrorResponse({
      severity,
      severityNonLocalized: severity,
      code: error.code,
      message: error.message,
      detail: error.detail,
      hint: error.hint,
      routine: error.routine,
    });
  }
  if (error instanceof PoolError) {
    return encodeErrorResponse({
      severity,
      severityNonLocalized: severity,
      code: error.sqlstate,
      message: error.message,
      detail: error.detail,
      hint: error.hint,
    });
  }
  const message = typeof error === 'string' ? error : `cannot reach the database server: ${messageOf(error)}`;
  return encodeErrorResponse({ severity, severityNonLocalized: severity, code: code || '08001', message });
}

/** Whether the ErrorResponse at `start` has severity FATAL or PANIC (field V, which is never translated). */
export function isFatalResponse(bytes: Uint8Array, start: number): boolean {
  const value = errorField(bytes, start, 0x56);
  return value !== undefined && (bytes[value.start] === 0x46 || bytes[value.start] === 0x50);
}

/**
 * The ErrorResponse at `bytes[start..end)` with each field's value as `change` has it; undefined when that changes nothing.
 * Fields are known by their letter.
 */
export function rewriteError(
  bytes: Uint8Array,
  start: number,
  end: number,
  change: (field: string, value: string) => string,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let isChanged = false;
  for (let at = start + 5; at < end && bytes[at] !== 0; ) {
    const stop = indexOfZero(bytes, at);
    const value = decoder.decode(bytes.subarray(at + 1, stop));
    const changed = change(String.fromCharCode(bytes[at]!), value);
    if (changed === value) parts.push(bytes.subarray(at, stop + 1));
    else {
      isChanged = true;
      parts.push(bytes.subarray(at, at + 1), encoder.encode(`${changed}\0`));
    }
    at = stop + 1;
  }
  if (!isChanged) return undefined;
  const message = concatBytes([bytes.subarray(start, start + 5), ...parts, terminator]);
  new DataView(message.buffer, message.byteOffset).setUint32(1, message.length - 1);
  return message;
}

/** Where the value of an ErrorResponse's field is, without decoding the rest. */
export function errorField(
  bytes: Uint8Array,
  start: number,
  field: number,
): { start: number; end: number } | undefined {
  for (let i = start + 5; i < bytes.length && bytes[i] !== 0; i++) {
    const from = i + 1;
    const end = indexOfZero(bytes, from);
    if (end < 0) return undefined;
    if (bytes[i] === field) return { start: from, end };
    i = end;
  }
  return undefined;
}
