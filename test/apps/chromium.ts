import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Page } from 'playwright-core';

export const chromiumPath: string = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

export interface OpenedPage {
  readonly page: Page;
  /** What axe finds on the page as it is now: the rule and the elements, `critical` and `serious` ones only. */
  seriousFindings(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A page in a headless Chromium of its own. */
export async function openPage(
  url: string,
  { javaScriptEnabled = true }: { javaScriptEnabled?: boolean } = {},
): Promise<OpenedPage> {
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  await page.goto(url);
  return {
    page,
    async seriousFindings() {
      await page.addScriptTag({ content: axeSource() });
      const found = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
      return found.violations
        .filter(({ impact }) => impact === 'critical' || impact === 'serious')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    },
    close: () => browser.close(),
  };
}

/** As much of axe-core as is used here. */
interface Axe {
  run(): Promise<{
    violations: { id: string; impact: string | null; nodes: { html: string }[] }[];
  }>;
}

function axeSource(): string {
  return readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
}
