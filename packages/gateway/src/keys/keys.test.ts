import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyFileSource, readKeyFile, writeKeyFile } from '../node/key-file.ts';
import { formatKeyFile, parseKeyFile } from './key-entry.ts';
import { createKey, createKeyRing, fixedKeys, joinKeys, type NewKey } from './key-ring.ts';
import { keyIdOf, unseal } from './key-secret.ts';

const wish: NewKey = { name: 'web', endpoint: 'default', plan: 'pro', createdAt: new Date('2026-01-02T03:04:05Z') };
const databaseUrl = 'postgres://app:s3cr3t@db/app';

test('a key opens its own entry and no other', async () => {
  const first = await createKey({ ...wish, schema: 'shop', databaseUrl });
  const second = await createKey(wish);
  const ring = createKeyRing(joinKeys(fixedKeys([first.entry]), fixedKeys([second.entry])));
  const grant = await ring.find(first.key);
  expect(grant).toEqual({ id: first.entry.id, endpoint: 'default', schema: 'shop', plan: 'pro', databaseUrl });
  expect(await ring.find(first.key)).toBe(grant);
  expect(await ring.find(second.key)).toMatchObject({ id: second.entry.id, schema: undefined, databaseUrl: undefined });
  expect(await ring.find(`${first.key.slice(0, -1)}~`)).toBeUndefined();
  expect(await ring.find('')).toBeUndefined();
  // The public part alone opens nothing.
  expect(await ring.find(first.entry.id)).toBeUndefined();
});

test('what is kept of a key is of no use to whoever finds it', async () => {
  const { key, entry } = await createKey({ ...wish, databaseUrl });
  const file = formatKeyFile({ version: 1, keys: [entry] });
  expect(keyIdOf(key)).toBe(entry.id);
  expect(keyIdOf('something else')).toBeUndefined();
  for (const secret of [key, key.slice(-43), 's3cr3t', 'app']) expect(file).not.toContain(secret);
  const other = await createKey(wish);
  await expect(unseal(entry.database!, other.key, entry.id)).rejects.toThrow('cannot be decrypted');
  await expect(unseal(entry.database!, key, other.entry.id)).rejects.toThrow('cannot be decrypted');
  expect(parseKeyFile(file).keys).toEqual([entry]);
});

test.each([
  ['{', 'not valid JSON'],
  ['{"version":2,"keys":[]}', 'expected {"version": 1'],
  ['{"version":1,"keys":[1]}', 'keys[0]: expected an object'],
  ['{"version":1,"keys":[{"id":"a"}]}', 'keys[0].name: expected a text'],
])('a broken file: %s', (text, problem) => {
  expect(() => parseKeyFile(text)).toThrow(problem);
});

describe('the file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-keys-'));
    path = join(folder, 'deep', 'keys.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is for its owner only', async () => {
    writeKeyFile(path, { version: 1, keys: [(await createKey(wish)).entry] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readKeyFile(path).keys).toHaveLength(1);
  });

  test('is read again as soon as it changed, and only then', async () => {
    const errors: string[] = [];
    const source = createKeyFileSource({ path, onError: (error) => void errors.push(error.message) });
    const ring = createKeyRing(source);
    const { key, entry } = await createKey(wish);
    expect([await ring.find(key), ring.isEmpty()]).toEqual([undefined, true]);
    writeKeyFile(path, { version: 1, keys: [entry] });
    const grant = await ring.find(key);
    expect(grant).toMatchObject({ id: entry.id });
    expect([await ring.find(key), ring.isEmpty()]).toEqual([grant, false]);
    // A broken file takes nobody's key away, and is complained about once.
    writeFileSync(path, '{');
    expect(await ring.find(key)).toBe(grant);
    expect(await ring.find(key)).toBe(grant);
    expect(errors).toEqual([expect.stringContaining('is broken')]);
    writeKeyFile(path, { version: 1, keys: [] });
    expect(await ring.find(key)).toBeUndefined();
  });

  test('that is broken at the start is an error', () => {
    writeKeyFile(path, { version: 1, keys: [] });
    writeFileSync(path, '[]');
    expect(() => createKeyFileSource({ path, onError: () => {} })).toThrow(`the keys file ${path} is broken`);
  });
});
