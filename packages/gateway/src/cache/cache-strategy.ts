/** How long a result may be used, as callers ask for it with standard request directives. */

export interface CacheStrategy {
  /** Fresh for so long. */
  readonly ttlMs: number;
  /** Then for so long still good enough while a new one is fetched. */
  readonly swrMs: number;
  readonly tags: readonly string[];
}

/** As Prisma documents them. */
const maxTags = 5;
const tagPattern = /^[A-Za-z0-9_]{1,64}$/;
const maxSeconds = 31_536_000; // a year

/**
 * Reads `Cache-Control: max-age=60, stale-while-revalidate=30` and a list of tags. undefined: nothing was asked for.
 * Throws a RangeError with a text for the caller when the tags are not allowed.
 */
export function parseCacheStrategy(
  cacheControl: string | undefined,
  tags: string | undefined,
): CacheStrategy | undefined {
  const directives = new Map(
    (cacheControl ?? '').split(',').map((part) => {
      const [name = '', value = ''] = part.split('=');
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
  if (directives.has('no-cache') || directives.has('no-store')) return undefined;
  const ttlMs = milliseconds(directives.get('max-age'));
  const swrMs = milliseconds(directives.get('stale-while-revalidate'));
  return ttlMs === 0 && swrMs === 0 ? undefined : { ttlMs, swrMs, tags: parseTags(tags) };
}

/** The tags of a header, without repetition. */
export function parseTags(text: string | undefined): readonly string[] {
  return checkTags(
    (text ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  );
}

/** Throws a RangeError with a text for the caller. */
export function checkTags(tags: readonly string[]): readonly string[] {
  const unique = [...new Set(tags)];
  if (unique.length > maxTags) throw new RangeError(`too many cache tags: ${unique.length}; allowed are ${maxTags}`);
  const wrong = unique.find((tag) => !tagPattern.test(tag));
  if (wrong !== undefined) {
    throw new RangeError(
      `cache tag ${JSON.stringify(wrong.slice(0, 80))}: allowed are 1 to 64 letters, digits and underscores`,
    );
  }
  return unique;
}

function milliseconds(seconds: string | undefined): number {
  return seconds !== undefined && /^\d{1,10}$/.test(seconds) ? Math.min(Number(seconds), maxSeconds) * 1000 : 0;
}
