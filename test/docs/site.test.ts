import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalogue, posternHeader, sqlHeader } from '@postern/contract';
import { defaultPlans } from '@postern/gateway';
import axe, { type AxeResults } from 'axe-core';
import { JSDOM, VirtualConsole } from 'jsdom';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page as BrowserPage,
  chromium,
} from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentKeys } from '../../apps/postern/src/config/environment.ts';
import { readDocuments } from './documents.ts';
import { repositoryRoot } from './repository.ts';
import { buildSite, filesOf, type Page, type Site, serveSite } from './site.ts';

let site: Site;
beforeAll(async () => {
  site = await buildSite();
}, 600_000);

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

  test('every event of the log', () => {
    const sources = ['packages/pool/src', 'packages/gateway/src', 'apps/postern/src'].flatMap((folder) =>
      readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
        .map((name) => readFileSync(join(repositoryRoot, folder, name), 'utf8')),
    );
    const events = new Set(
      sources.flatMap((source) => [...source.matchAll(/\bevent: '(\w+)'/g)].map(([, name]) => name)),
    );
    expect([...events]).toEqual(expect.arrayContaining(['http_sql', 'reloaded', 'session_started']));
    const text = textOf(page('/operations/logs'));
    expect([...events].filter((name) => !text.includes(name!))).toEqual([]);
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

  test('every header of /sql', () => {
    const text = textOf(page('/reference/http')).toLowerCase();
    const names: string[] = [...Object.values(sqlHeader), ...Object.values(posternHeader)];
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
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

  test('the limits of every plan', () => {
    const [head = [], ...rows] = [...page('/start/accelerate').document.querySelectorAll('main table tr')].map((row) =>
      [...row.querySelectorAll('th, td')].map((cell) => cell.textContent?.trim() ?? ''),
    );
    const plans = Object.entries(defaultPlans);
    expect(head.slice(1)).toEqual(plans.map(([name]) => name));
    const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;
    expect(rows.map((cells) => cells.slice(1))).toEqual([
      plans.map(([, plan]) => `${plan.connectionLimit}`),
      plans.map(([, plan]) => seconds(plan.queryTimeoutMs)),
      plans.map(([, plan]) => seconds(plan.transactionTimeoutMs)),
      plans.map(([, plan]) => `${plan.maxResponseBytes / 1_048_576} MB`),
      plans.map(([, plan]) => `${plan.requestsPerSecond ?? 'no limit'}`),
    ]);
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
const kinds = ['/', '/reference/options', '/comparison', '/api/serverless/classes/Client'];

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
  let browser: Browser;
  beforeAll(async () => {
    served = await serveSite(site);
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  const open = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(60_000);
    return context;
  };
  const judge = async (tab: BrowserPage): Promise<string[]> => {
    await tab.evaluate(axe.source);
    return seriousOf(await tab.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })"));
  };

  test.each(['light', 'dark'] as const)(
    'axe finds nothing serious on any page, %s; nobody else is asked',
    { timeout: 600_000 },
    async (colorScheme) => {
      const context = await open({ colorScheme });
      const found: string[] = [];
      await context.route('**/*', (route) => {
        const url = route.request().url();
        if (url.startsWith(served.address)) return route.continue();
        found.push(`asked for ${url}`);
        return route.abort();
      });
      const tab = await context.newPage();
      // Pages of the API are of one kind, and more than all others: their colours are judged on some.
      const judged = site.pages.filter(
        ({ path }) => colorScheme === 'light' || !path.startsWith('/api/') || path.startsWith('/api/prisma-adapter/'),
      );
      expect(judged.length).toBeGreaterThan(40);
      for (const { path } of judged) {
        await tab.goto(served.address + path);
        found.push(...(await judge(tab)).map((text) => `${path}: ${text}`));
      }
      expect(found).toEqual([]);
      await context.close();
    },
  );

  test('no page is wider than a telephone', { timeout: 180_000 }, async () => {
    const context = await open({ viewport: { width: 360, height: 740 } });
    const tab = await context.newPage();
    const wide: string[] = [];
    for (const { path } of site.pages.filter(({ path }) => !path.startsWith('/api/'))) {
      await tab.goto(served.address + path);
      if (await tab.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')) wide.push(path);
    }
    expect(wide).toEqual([]);
    await context.close();
  });

  test.each(['light', 'dark'] as const)(
    'the search is found, used and left by keys alone, %s',
    { timeout: 120_000 },
    async (colorScheme) => {
      const context = await open({ colorScheme });
      const tab = await context.newPage();
      await tab.goto(`${served.address}/`);
      await tab.waitForLoadState('networkidle');
      await tab.keyboard.press('Control+k');
      await tab.waitForSelector('.search-input');
      await tab.keyboard.type('pool_timeout');
      await tab.waitForSelector('.result');
      expect(await judge(tab)).toEqual([]);
      await tab.keyboard.press('Enter');
      await tab.waitForURL(/\/(reference|concepts)\//);
      await tab.keyboard.press('Control+k');
      await tab.waitForSelector('.search-input');
      await tab.keyboard.press('Escape');
      await tab.waitForSelector('.search-input', { state: 'detached' });
      await context.close();
    },
  );

  test('the first key leads past the lists', { timeout: 120_000 }, async () => {
    const context = await open();
    const tab = await context.newPage();
    await tab.goto(`${served.address}/concepts/waiting.html`);
    await tab.waitForLoadState('networkidle');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter');
    await expect.poll(() => new URL(tab.url()).hash).toBe('#VPContent');
    await tab.keyboard.press('Tab');
    const focused = await tab.evaluate<string>(
      "document.activeElement.closest('#VPContent') ? 'in the text' : 'elsewhere'",
    );
    expect(focused).toBe('in the text');
    await context.close();
  });

  test('without JavaScript text, lists and tables are shown, and an unknown address is explained', {
    timeout: 120_000,
  }, async () => {
    const context = await open({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(`${served.address}/reference/errors.html`);
    expect(await tab.isVisible('#pool_timeout')).toBe(true);
    expect(await tab.isVisible('nav a[href="/start/local.html"]')).toBe(true);
    const answer = await tab.goto(`${served.address}/no/such/page`);
    expect(answer?.status()).toBe(404);
    expect(await tab.isVisible('main h1')).toBe(true);
    await context.close();
  });
});
