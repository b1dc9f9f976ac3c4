import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSchemaStore } from './schema-store.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a schema is its key’s, as text', async () => {
  const store = createSchemaStore({ maxBytes: 100_000 });
  const upload = base64('model Ä {}');
  await store.put('one', hashOf(upload), upload);
  expect(store.find('one', hashOf(upload))).toEqual({ id: hashOf(upload), text: 'model Ä {}' });
  expect(store.find('two', hashOf(upload))).toBeUndefined();
});

test('the longest unused are forgotten', async () => {
  const store = createSchemaStore({ maxBytes: 10_000 });
  const uploads = ['a', 'b', 'c'].map((letter) => base64(letter.repeat(2_000)));
  for (const upload of uploads) {
    await store.put('key', hashOf(upload), upload);
    store.find('key', hashOf(uploads[0]!));
  }
  expect(uploads.map((upload) => store.find('key', hashOf(upload)) !== undefined)).toEqual([true, false, true]);
});

test.each([
  ['another hash', base64('x'), hashOf('y')],
  ['no Base64', '%', hashOf('%')],
  ['no UTF-8', '/w==', hashOf('/w==')],
])('refused: %s', async (_name, upload, hash) => {
  const store = createSchemaStore({ maxBytes: 10_000 });
  await expect(store.put('key', hash, upload)).rejects.toMatchObject({ code: 'P6000', status: 400 });
  expect(store.find('key', hash)).toBeUndefined();
});
