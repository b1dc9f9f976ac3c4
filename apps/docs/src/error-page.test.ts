import { errorCatalogue } from '@postern/contract';
import { expect, test } from 'vitest';
import { errorPage, escapeMarkdown } from './error-page.ts';

test('has a row and a section for every error', () => {
  const page = errorPage();
  for (const [code, { cure }] of Object.entries(errorCatalogue)) {
    expect(page).toContain(`| [\`${code}\`](#${code}) |`);
    expect(page).toContain(`{#${code}}`);
    expect(page).toContain(escapeMarkdown(cure));
  }
});

test('texts are shown as they are', () => {
  expect(escapeMarkdown('{"a": [ $1 ]} <b>')).toBe('&#123;"a": &#91; &#36;1 &#93;&#125; &#60;b&#62;');
});
