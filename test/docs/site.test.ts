import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalogue } from '@postern/contract';
import axe, { type AxeResults } from 'axe-core';
import { JSDOM, VirtualConsole } from 'jsdom';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentKeys } from '../../apps/postern/src/config/environment.ts';
import { readDocuments } from './documents.ts';
import { repositoryRoot } from './repository.ts';
import { buildSite, filesOf, type Page, type Site, serveSite } from './site.ts';

let site: Site;
beforeAll(async () => {
  site = await buildSite();
}, 300_000);

const page = (path: string): Page => {
  const found = site.find(path);
  if (found === undefined) throw new Error(`the site has no page ${path}`);
  return found;
};
const textOf = ({ document }: Page): string => document.querySelector('main')?.textContent ?? '';

test('every document of the site is a page, and all of its headings are there without JavaScript', () => {
  const documents = readDocuments().filter(({ file }) => file.startsWith('apps/docs/content/'));
  expect(documents.length).toBeGreaterThan(15);
  for (const { file, markdown } of documents) {
    const path = file.replace('apps/docs/content', '').replace(/(index)?\.md$/, '');
    const text = textOf(page(path));
    const prose = markdown.replaceAll(/^(`{3,}).*?^\1$/gms, '');
    for (const [, heading = ''] of prose.matchAll(/^#+ (.*)$/gm)) {
      expect(text, `${file}: ${heading}`).toContain(heading.replaceAll('`', ''));
    }
  }
});

test('every page shows its text without JavaScript', () => {
  for (const shown of site.pages) {
    expect(shown.document.querySelectorAll('main h1'), shown.path).toHaveLength(1);
    expect(textOf(shown).trim().length, shown.path).toBeGreaterThan(15);
    expect(shown.document.documentElement.lang).toBe('en');
  }
});

test('links inside the site lead somewhere, anchors included', () => {
  const dead: string[] = [];
  for (const { path, document } of site.pages) {
    for (const link of document.querySelectorAll<HTMLAnchorElement>('a[href]')) {
      const url = new URL(link.getAttribute('href') ?? '', `http://site${path}`);
      if (url.host !== 'site') continue;
      const target = site.find(url.pathname);
      const anchor = decodeURIComponent(url.hash.slice(1));
      if (target === undefined || (anchor !== '' && target.document.getElementById(anchor) === null)) {
        dead.push(`${path} → ${url.pathname}${url.hash}`);
      }
    }
  }
  expect([...new Set(dead)]).toEqual([]);
});

test('pages ask nobody else for anything', () => {
  const foreign = site.pages.flatMap(({ path, document }) =>
    [...document.querySelectorAll('[src], link[href]')]
      .map((element) => element.getAttribute('src') ?? element.getAttribute('href') ?? '')
      .filter((address) => /^([a-z]+:)?\/\//i.test(address))
      .map((address) => `${path}: ${address}`),
  );
  expect(foreign).toEqual([]);
  for (const { name, text } of filesOf(site, '.css')) {
    expect(text, name).not.toMatch(/@import\s|url\(\s*["']?(https?:)?\/\//);
  }
});

test('the search works offline: its index is in the site', () => {
  expect(filesOf(site, '.js').filter(({ name }) => name.includes('localSearchIndex')).length).toBeGreaterThan(0);
});

describe('reference', () => {
  test('every error of the catalogue, with cause and cure', () => {
    const text = textOf(page('/reference/errors'));
    for (const [code, { meaning, cure }] of Object.entries(errorCatalogue)) {
      expect(page('/reference/errors').document.getElementById(code), code).not.toBeNull();
      expect(text).toContain(meaning);
      expect(text).toContain(cure);
    }
  });

  test('every key of the configuration, its variable, and every flag', () => {
    const text = textOf(page('/reference/options'));
    for (const { path, variable } of environmentKeys()) {
      expect(text).toContain(path.join('.'));
      expect(text).toContain(variable);
    }
    const source = readFileSync(join(repositoryRoot, 'apps/postern/src/cli.ts'), 'utf8');
    const flags = [...source.matchAll(/'(--[a-z-]+) </g)].map(([, flag = '']) => flag);
    expect(flags.length).toBeGreaterThan(10);
    for (const flag of flags) expect(text).toContain(flag);
  });

  test('every option of a connection string', () => {
    const source = readFileSync(join(repositoryRoot, 'packages/contract/src/connection-options.ts'), 'utf8');
    const names = [
      ...[...source.matchAll(/^ {2}\['(\w+)', \(/gm)].map(([, name = '']) => name),
      ...[...source.matchAll(/key === '(\w+)'/g)].map(([, name = '']) => name),
    ];
    expect(names).toContain('pool_timeout');
    expect(names).toContain('schema');
    const text = textOf(page('/reference/options')).toLowerCase();
    for (const name of names) expect(text).toContain(name);
  });

  test('what the packages export is in their API reference', () => {
    for (const [path, names] of Object.entries({
      '/api/serverless/': ['postern', 'neon', 'Pool', 'Client', 'PosternError', 'configure', 'typeParsers'],
      '/api/prisma-adapter/': ['PrismaPostern', 'gatewayFetch', 'connectLater', 'PrismaPosternConfig'],
    })) {
      for (const name of names) expect(textOf(page(path))).toContain(name);
    }
  });
});

const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** One of each kind. */
const kinds = [
  '/',
  '/start/local',
  '/reference/options',
  '/reference/errors',
  '/comparison',
  '/api/serverless/classes/Client',
];

const seriousOf = ({ violations }: AxeResults): string[] =>
  violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ; ')}`);

describe('axe finds nothing serious', () => {
  // Without a browser there is no layout: contrast and the like are judged in Chromium only.
  const judged = existsSync(chromiumPath) ? kinds.slice(0, 2) : kinds;
  test.each(judged)('in the static HTML of %s', { timeout: 60_000 }, async (path) => {
    // What it cannot do (canvas), it would say on the console.
    const virtualConsole = new VirtualConsole();
    const { window } = new JSDOM(page(path).html, {
      runScripts: 'outside-only',
      pretendToBeVisual: true,
      virtualConsole,
    });
    window.eval(axe.source);
    const judge = (window as unknown as { axe: typeof axe }).axe;
    const results = await judge.run(window.document, { rules: { 'color-contrast': { enabled: false } } });
    expect(results.passes.length).toBeGreaterThan(5);
    expect(seriousOf(results)).toEqual([]);
  });
});

// npm does not bring Chromium: `apt-get install chromium`, or CHROMIUM_PATH.
describe.skipIf(!existsSync(chromiumPath))(`in Chromium (skipped unless ${chromiumPath} exists)`, () => {
  let served: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    served = await serveSite(site);
  });
  afterAll(() => served?.close());

  test('axe finds nothing serious, light or dark, with and without JavaScript; nobody else is asked', {
    timeout: 180_000,
  }, async () => {
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const found: string[] = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
        await context.route('**/*', (route) => {
          const url = route.request().url();
          if (url.startsWith(served.address)) return route.continue();
          found.push(`asked for ${url}`);
          return route.abort();
        });
        const tab = await context.newPage();
        for (const path of colorScheme === 'light' ? kinds : kinds.slice(0, 3)) {
          await tab.goto(served.address + path + (path.endsWith('/') ? '' : '.html'));
          await tab.waitForLoadState('networkidle');
          await tab.evaluate(axe.source);
          const results = await tab.evaluate<AxeResults>('axe.run()');
          found.push(...seriousOf(results).map((text) => `${colorScheme} ${path}: ${text}`));
        }
        await tab.click('.DocSearch-Button');
        await tab.fill('.search-input', 'pool_timeout');
        await tab.waitForSelector('.result');
        const searching = await tab.evaluate<AxeResults>('axe.run()');
        found.push(...seriousOf(searching).map((text) => `${colorScheme}, search open: ${text}`));
        await context.close();
      }
      const plain = await browser.newContext({ javaScriptEnabled: false });
      const tab = await plain.newPage();
      await tab.goto(`${served.address}/reference/errors.html`);
      expect(await tab.isVisible('#pool_timeout')).toBe(true);
      expect(found).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
