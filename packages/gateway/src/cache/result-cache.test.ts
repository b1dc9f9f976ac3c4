import { createFakeClock } from '@postern/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { type CacheStrategy, parseCacheStrategy, parseTags } from './cache-strategy.ts';
import { createResultCache, type ResultCache } from './result-cache.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);
const minute: CacheStrategy = { ttlMs: 60_000, swrMs: 30_000, tags: ['t'] };

let clock: ReturnType<typeof createFakeClock>;
let cache: ResultCache;
let loads: number;
let failures: unknown[];
let startedAtMs: number;

beforeEach(() => {
  clock = createFakeClock();
  startedAtMs = clock.now();
  loads = 0;
  failures = [];
  cache = createResultCache({ clock, maxBytes: 100_000, onRefreshFailed: (error) => void failures.push(error) });
});

interface Wish {
  readonly scope?: string;
  readonly strategy?: CacheStrategy;
  readonly load?: () => Promise<Uint8Array>;
}

async function get(key = 'k', wish: Wish = {}): Promise<string> {
  const { scope = 's', strategy = minute, load = async () => bytes(`v${++loads}`) } = wish;
  const { body, status, storedAtMs } = await cache.get({ key, scope }, strategy, load);
  return `${status} ${text(body)} ${storedAtMs - startedAtMs}`;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('miss, ttl, swr with a refresh behind it, ttl of the new one, and in the end a miss again', async () => {
  expect(await get()).toBe('miss v1 0');
  clock.advance(59_999);
  expect(await get()).toBe('ttl v1 0');
  clock.advance(1);
  expect(await get()).toBe('swr v1 0');
  await settled();
  expect(await get()).toBe('ttl v2 60000');
  clock.advance(90_000);
  expect(await get()).toBe('miss v3 150000');
});

test('the stricter of two callers is served by its own wish', async () => {
  await get();
  clock.advance(10_000);
  expect(await get('k', { strategy: { ttlMs: 5_000, swrMs: 0, tags: [] } })).toBe('miss v2 10000');
});

test('one fetch for all who wait, one refresh at a time', async () => {
  let finish: (body: Uint8Array) => void = () => {};
  const load = () => {
    loads++;
    return new Promise<Uint8Array>((resolve) => {
      finish = resolve;
    });
  };
  const waiting = [get('k', { load }), get('k', { load }), get('k', { load })];
  finish(bytes('once'));
  expect(await Promise.all(waiting)).toEqual(Array(3).fill('miss once 0'));
  clock.advance(70_000);
  expect(await Promise.all([get('k', { load }), get('k', { load })])).toEqual(Array(2).fill('swr once 0'));
  expect(loads).toBe(2);
});

test('errors are not kept, and do not take the old result away', async () => {
  const load = async () => Promise.reject(new Error('down'));
  await expect(get('k', { load })).rejects.toThrow('down');
  expect(await get()).toBe('miss v1 0');
  clock.advance(70_000);
  expect(await get('k', { load })).toBe('swr v1 0');
  await settled();
  expect(failures).toEqual([new Error('down')]);
  expect(await get('k', { load })).toBe('swr v1 0');
});

describe('invalidation', () => {
  test('by tag, in one scope', async () => {
    const asks = [
      () => get('a', { strategy: { ...minute, tags: ['x', 'y'] } }),
      () => get('b', { strategy: { ...minute, tags: ['y'] } }),
      () => get('c', { scope: 'other', strategy: { ...minute, tags: ['x'] } }),
    ];
    for (const ask of asks) await ask();
    cache.invalidate('s', ['x', 'unknown']);
    expect(await Promise.all(asks.map((ask) => ask()))).toEqual(['miss v4 0', 'ttl v2 0', 'ttl v3 0']);
  });

  test('by tags that others gave the same result: who has one more gets no older result, and then all share one', async () => {
    const tagged = (...tags: string[]) => ({ strategy: { ...minute, tags } });
    expect(await get('k', tagged('x'))).toBe('miss v1 0');
    cache.invalidate('s', ['y']);
    expect(await get('k', tagged('y'))).toBe('miss v2 0');
    expect([await get('k', tagged('x')), await get('k', tagged('y', 'x')), await get('k', tagged())]).toEqual(
      Array(3).fill('ttl v2 0'),
    );
    cache.invalidate('s', ['x']);
    expect(await get('k', tagged('y'))).toBe('miss v3 0');
  });

  test('by tags that others gave what is being fetched', async () => {
    const finish: ((body: Uint8Array) => void)[] = [];
    const load = () => new Promise<Uint8Array>((resolve) => void finish.push(resolve));
    const ask = (tag: string) => get('k', { strategy: { ...minute, tags: [tag] }, load });
    const asked = [ask('x'), ask('y'), ask('x')];
    expect(finish).toHaveLength(2);
    finish[1]!(bytes('new'));
    finish[0]!(bytes('old'));
    expect(await Promise.all(asked)).toEqual(['miss old 0', 'miss new 0', 'miss new 0']);
    expect([await ask('x'), await ask('y')]).toEqual(['ttl new 0', 'ttl new 0']);
  });

  test('by more tags than one result can have: then it is the last one’s', async () => {
    for (let n = 0; n < 65; n++) await get('k', { strategy: { ...minute, tags: [`t${n}`] } });
    expect(loads).toBe(65);
    expect(await get('k', { strategy: { ...minute, tags: ['t64'] } })).toBe('ttl v65 0');
    expect(await get('k', { strategy: { ...minute, tags: ['t0'] } })).toBe('miss v66 0');
    cache.invalidate('s', 'all');
    expect(cache.stats()).toEqual({ entries: 0, bytes: 0 });
  });

  test('of everything in one scope', async () => {
    await get('a');
    await get('b', { strategy: { ...minute, tags: [] } });
    await get('c', { scope: 'other' });
    cache.invalidate('s', 'all');
    expect(cache.stats().entries).toBe(1);
    expect(await get('c', { scope: 'other' })).toBe('ttl v3 0');
  });

  test('reaches what is being fetched: it is answered, but not kept, and not joined', async () => {
    const finish: ((body: Uint8Array) => void)[] = [];
    const load = () => new Promise<Uint8Array>((resolve) => void finish.push(resolve));
    const early = get('k', { load });
    cache.invalidate('s', ['t']);
    const late = get('k', { load });
    finish[1]!(bytes('new'));
    expect(await late).toBe('miss new 0');
    finish[0]!(bytes('old'));
    expect(await early).toBe('miss old 0');
    expect(await get('k')).toBe('ttl new 0');
  });
});

describe('the bound', () => {
  test('the longest unused go first, and the index with them', async () => {
    const big = async () => new Uint8Array(10_000);
    for (let index = 0; index < 50; index++) await get(`k${index}`, { load: big });
    expect(cache.stats().entries).toBe(9);
    expect(cache.stats().bytes).toBeLessThanOrEqual(100_000);
    cache.invalidate('s', ['t']);
    expect(cache.stats()).toEqual({ entries: 0, bytes: 0 });
  });

  test('a result that is too large is answered and not kept', async () => {
    await get('k', { load: async () => new Uint8Array(50_000) });
    expect(cache.stats().entries).toBe(0);
    cache.invalidate('s', 'all');
  });
});

describe('what callers ask for', () => {
  test.each<[string | undefined, string | undefined, CacheStrategy | undefined]>([
    [undefined, undefined, undefined],
    ['no-cache', 'a', undefined],
    ['no-store, max-age=60', undefined, undefined],
    ['max-age=0', undefined, undefined],
    ['max-age=60', undefined, { ttlMs: 60_000, swrMs: 0, tags: [] }],
    ['stale-while-revalidate=30', undefined, { ttlMs: 0, swrMs: 30_000, tags: [] }],
    ['Max-Age="60" , stale-while-revalidate=30', 'a, b,a,', { ttlMs: 60_000, swrMs: 30_000, tags: ['a', 'b'] }],
    ['max-age=1.5', undefined, undefined],
    ['max-age=-1', undefined, undefined],
    ['max-age=9999999999', undefined, { ttlMs: 31_536_000_000, swrMs: 0, tags: [] }],
  ])('%s, tags %s', (control, tags, strategy) => {
    expect(parseCacheStrategy(control, tags)).toEqual(strategy);
  });

  test('tags that are not allowed', () => {
    expect(() => parseTags('a,b,c,d,e,f')).toThrow('too many cache tags: 6; allowed are 5');
    expect(() => parseTags('a b')).toThrow('cache tag "a b": allowed are 1 to 64 letters');
    expect(() => parseTags('x'.repeat(65))).toThrow('allowed are 1 to 64 letters');
  });
});
