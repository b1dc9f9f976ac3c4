/** Results of Prisma's runtime → the JSON its clients read. */
import { normalizeJsonProtocolValues, safeJsonStringify } from '@prisma/client-engine-runtime';

/** Dates that no Date can hold (`infinity`) are Invalid Dates in-process: so they are in a client, whereas the runtime throws. */
export function protocolJson(result: unknown): string {
  try {
    return stringify(result);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return stringify(markUnreadableDates(result));
  }
}

function stringify(result: unknown): string {
  return safeJsonStringify(normalizeJsonProtocolValues(result)) ?? 'null';
}

function markUnreadableDates(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(markUnreadableDates);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if ('$type' in value && typeof value.$type === 'string')
    return isUnreadableDate(value) ? new UnreadableDate() : value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, markUnreadableDates(item)]));
}

function isUnreadableDate(tagged: { $type?: unknown; value?: unknown }): boolean {
  return tagged.$type === 'DateTime' && Number.isNaN(new Date(tagged.value as string).getTime());
}

/** The runtime leaves objects of classes alone. */
class UnreadableDate {
  toJSON(): object {
    return { $type: 'DateTime', value: 'infinity' };
  }
}
