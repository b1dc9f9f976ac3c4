import { expect, test } from 'vitest';
import { adoptLinks } from './links.ts';

const document = {
  path: 'packages/serverless/README.md',
  pages: new Map([
    ['ARCHITECTURE.md', 'architecture'],
    ['recipes/README.md', 'recipes/index'],
  ]),
};

test.each([
  ['to a page', 'see [it](../../ARCHITECTURE.md#known-limits)', 'see [it](/architecture#known-limits)'],
  ['to an index', '[all](../../recipes/README.md)', '[all](/recipes/)'],
  ['to the README', '[Postern](../../README.md)', '[Postern](/)'],
  ['to a file without a page', '[its code](src/http.ts)', 'its code (`packages/serverless/src/http.ts`)'],
  ['elsewhere', '[a](https://example.com) [b](#errors)', '[a](https://example.com) [b](#errors)'],
  ['in code', '```ts\nx[0](y)\n```', '```ts\nx[0](y)\n```'],
])('%s', (_, markdown, adopted) => {
  expect(adoptLinks(markdown, document)).toBe(adopted);
});
