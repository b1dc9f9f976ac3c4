/**
 * Results by key, for as long as their caller allowed: fresh (`ttl`), a little old while one refresh is under way (`swr`),
 * or fetched now (`miss`). Bounded by bytes. Errors are not kept. Knows nothing of SQL, HTTP or Prisma.
 */
import type { Clock } from '@postern/pool';
import { LRUCache } from 'lru-cache';
import type { CacheStrategy } from './cache-strategy.ts';

/** What one entry is about. */
export interface CacheSubject {
  /** Decides what is the same: everything the result depends on. */
  readonly key: string;
  /** Whose it is: tags and "all" mean something only inside one scope. */
  readonly scope: string;
}

export interface CachedResult {
  readonly body: Uint8Array;
  /** Of the clock: when it was asked for, not when it arrived. */
  readonly storedAtMs: number;
  readonly status: 'ttl' | 'swr' | 'miss';
}

export interface ResultCache {
  /** Answers from memory, or from `load`, which runs once for all who ask at the same time. Rejects as `load` does. */
  get(subject: CacheSubject, strategy: CacheStrategy, load: () => Promise<Uint8Array>): Promise<CachedResult>;
  /** Forgets what has one of the tags, or everything in the scope. What is being fetched right now is not kept. */
  invalidate(scope: string, tags: readonly string[] | 'all'): void | Promise<void>;
  stats(): { readonly entries: number; readonly bytes: number };
}

/** Of all results together. */
export const defaultCacheBytes = 67_108_864;

export interface ResultCacheOptions {
  readonly clock: Clock;
  /** Memory for all results; default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Larger results are not kept; default an eighth of it all. */
  readonly maxEntryBytes?: number | undefined;
  /** A refresh in the background failed: the old result stays until its time is over. */
  readonly onRefreshFailed?: (error: unknown) => void;
}

interface Entry {
  readonly scope: string;
  readonly body: Uint8Array;
  readonly storedAtMs: number;
  readonly ttlMs: number;
  readonly swrMs: number;
  readonly tags: readonly string[];
}

interface Flight {
  readonly scope: string;
  readonly tags: readonly string[];
  readonly startedAtMs: number;
  readonly body: Promise<Uint8Array>;
  state: 'wanted' | 'outdated';
}

/** What an entry costs beside its body. */
const overheadBytes = 512;
/** Of one result, when callers ask for it with different ones. */
const maxTagsTogether = 64;

export function createResultCache(options: ResultCacheOptions): ResultCache {
  const { clock, maxBytes = defaultCacheBytes, onRefreshFailed = () => {} } = options;
  const { maxEntryBytes = Math.ceil(maxBytes / 8) } = options;
  const flights = new Map<string, Flight>();
  /** Keys of entries by scope and tag; the scope alone stands for all of its entries. */
  const index = new Map<string, Set<string>>();
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    maxEntrySize: maxEntryBytes,
    sizeCalculation: ({ body, tags }, key) => body.length + key.length + 64 * tags.length + overheadBytes,
    dispose: (entry, key) => unlist(key, entry),
  });

  function names({ scope, tags }: Pick<Entry, 'scope' | 'tags'>): string[] {
    return [scope, ...tags.map((tag) => `${scope}\0${tag}`)];
  }

  function enlist(key: string, entry: Entry): void {
    for (const name of names(entry)) {
      const keys = index.get(name);
      if (keys === undefined) index.set(name, new Set([key]));
      else keys.add(key);
    }
  }

  function unlist(key: string, entry: Entry): void {
    for (const name of names(entry)) {
      const keys = index.get(name);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(name);
    }
  }

  function fetch({ key, scope }: CacheSubject, strategy: CacheStrategy, load: () => Promise<Uint8Array>): Flight {
    const other = flights.get(key);
    if (other !== undefined && hasTags(other, strategy.tags)) return other;
    if (other !== undefined) other.state = 'outdated';
    // With the tags of the others who ask for it, so that they find it too.
    const together = new Set([...strategy.tags, ...(other?.tags ?? []), ...(entries.peek(key)?.tags ?? [])]);
    const tags = together.size > maxTagsTogether ? strategy.tags : [...together];
    const flight: Flight = { scope, tags, startedAtMs: clock.now(), body: load(), state: 'wanted' };
    flights.set(key, flight);
    const settle = (body?: Uint8Array): void => {
      if (flights.get(key) === flight) flights.delete(key);
      if (body === undefined || flight.state === 'outdated') return;
      const entry: Entry = { scope, body, storedAtMs: flight.startedAtMs, ...strategy, tags };
      entries.set(key, entry);
      // Too large ones are not taken.
      if (entries.peek(key) === entry) enlist(key, entry);
    };
    flight.body.then(settle, () => settle());
    return flight;
  }

  return {
    async get(subject, strategy, load) {
      const found = entries.get(subject.key);
      // Without its tags the caller cannot have made it outdated: it may be older than what did.
      const entry = found !== undefined && hasTags(found, strategy.tags) ? found : undefined;
      const ageMs = entry === undefined ? 0 : clock.now() - entry.storedAtMs;
      // The caller's wish counts too: it may be stricter than that of whoever stored it.
      const ttlMs = Math.min(entry?.ttlMs ?? 0, strategy.ttlMs);
      const usableMs = Math.min((entry?.ttlMs ?? 0) + (entry?.swrMs ?? 0), strategy.ttlMs + strategy.swrMs);
      if (entry !== undefined && ageMs < ttlMs)
        return { body: entry.body, storedAtMs: entry.storedAtMs, status: 'ttl' };
      if (entry !== undefined && ageMs < usableMs) {
        fetch(subject, strategy, load).body.catch(onRefreshFailed);
        return { body: entry.body, storedAtMs: entry.storedAtMs, status: 'swr' };
      }
      const flight = fetch(subject, strategy, load);
      return { body: await flight.body, storedAtMs: flight.startedAtMs, status: 'miss' };
    },
    invalidate(scope, tags) {
      const wanted = tags === 'all' ? [scope] : tags.map((tag) => `${scope}\0${tag}`);
      for (const name of wanted) for (const key of [...(index.get(name) ?? [])]) entries.delete(key);
      for (const [key, flight] of flights) {
        if (flight.scope !== scope || !(tags === 'all' || flight.tags.some((tag) => tags.includes(tag)))) continue;
        // Its result may be older than what made it outdated; whoever asks from now on asks anew.
        flight.state = 'outdated';
        flights.delete(key);
      }
    },
    stats: () => ({ entries: entries.size, bytes: entries.calculatedSize }),
  };
}

function hasTags({ tags: some }: Pick<Entry, 'tags'>, wanted: readonly string[]): boolean {
  return wanted.every((tag) => some.includes(tag));
}
