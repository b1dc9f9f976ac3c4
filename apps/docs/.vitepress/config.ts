// The site: pages from content/, with those of content/generated/ in their places. Everything it needs is served by itself.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { isFenceWord } from '../src/fence-words.ts';

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const recipes = join(folder, 'content/generated/recipes');
const recipeItems = markdownBelow(recipes)
  .filter((name) => name !== 'index' && name !== 'transcripts')
  .sort()
  .map((name) => ({ text: headingOf(join(recipes, `${name}.md`)), link: `/recipes/${name}` }));

/** Names of pages, without `.md`. */
function markdownBelow(below: string): string[] {
  if (!existsSync(below)) return [];
  const names = readdirSync(below, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => name.replaceAll('\\', '/').slice(0, -'.md'.length));
}

function headingOf(file: string): string {
  return /^# (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('`', '') ?? file;
}

export default defineConfig({
  title: 'Postern',
  description: 'A side gate into Postgres for code that cannot hold a Postgres connection.',
  lang: 'en',
  srcDir: 'content',
  outDir: 'dist',
  cacheDir: 'generated/cache',
  rewrites: { 'generated/:rest*': ':rest*' },
  // Addresses of servers that a reader starts are not pages.
  ignoreDeadLinks: 'localhostLinks',
  // A switch would have no name before scripts run.
  appearance: 'force-auto',
  metaChunk: true,
  // The order of the sidebar means nothing to pages that are not in it: they lead back to their list.
  transformPageData({ relativePath, frontmatter }) {
    const [, list] = /^(api\/[\w-]+\/)(?!index\.md$)/.exec(relativePath) ?? [];
    if (list !== undefined)
      Object.assign(frontmatter, { prev: { text: 'All of this package', link: `/${list}` }, next: false });
  },
  // This page alone is made by a script.
  transformHtml: (html, _, { page }) =>
    page === '404.md'
      ? html.replace(
          '<body>',
          '<body><noscript><main><h1>Page not found</h1><p><a href="/">Postern</a></p></main></noscript>',
        )
      : html,
  markdown: {
    // Words of our own behind the language are for the tests.
    config(markdown) {
      const fence = markdown.renderer.rules.fence!;
      markdown.renderer.rules.fence = (tokens, index, ...rest) => {
        const token = tokens[index]!;
        token.info = token.info
          .split(' ')
          .filter((word) => !isFenceWord(word))
          .join(' ');
        return fence(tokens, index, ...rest);
      };
    },
    // Both themes reach a contrast of 4.5 to 1.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    notFound: {
      title: 'Page not found',
      quote: 'There is nothing at this address. The search above knows every page.',
      linkText: 'To the first page',
      linkLabel: 'To the first page',
    },
    nav: [
      { text: 'Start', link: '/start/' },
      { text: 'Concepts', link: '/concepts/' },
      { text: 'Reference', link: '/reference/options' },
      { text: 'Operations', link: '/operations/' },
      { text: 'Comparison', link: '/comparison' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'Which way in', link: '/start/' },
          { text: 'On your machine', link: '/start/local' },
          { text: 'Your own Postgres', link: '/start/own-postgres' },
          { text: 'Cloudflare Workers', link: '/start/workers' },
          { text: 'Vercel', link: '/start/vercel' },
          { text: 'Prisma with the adapter', link: '/start/prisma' },
          { text: 'Prisma with accelerateUrl', link: '/start/accelerate' },
          { text: 'The first five minutes, played', link: '/recipes/transcripts' },
        ],
      },
      {
        text: 'Concepts',
        items: [
          { text: 'Pooled or direct', link: '/concepts/' },
          { text: 'Session state and pins', link: '/concepts/session-state' },
          { text: 'Round trips', link: '/concepts/round-trips' },
          { text: 'Waiting and cold start', link: '/concepts/waiting' },
          { text: 'Multiplexing', link: '/concepts/multiplexing' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Options', link: '/reference/options' },
          { text: 'Errors', link: '/reference/errors' },
          { text: 'HTTP routes', link: '/reference/http' },
          { text: 'Driver', link: '/reference/serverless' },
          { text: 'Driver: API', link: '/api/serverless/' },
          { text: 'Prisma adapter', link: '/reference/prisma-adapter' },
          { text: 'Prisma adapter: API', link: '/api/prisma-adapter/' },
        ],
      },
      {
        text: 'Operations',
        items: [
          { text: 'Deployment', link: '/operations/' },
          { text: 'TLS', link: '/operations/tls' },
          { text: 'Sizes and limits', link: '/operations/limits' },
          { text: 'Logs and health', link: '/operations/logs' },
          { text: 'Security model', link: '/security' },
          { text: 'Reporting a hole', link: '/security-policy' },
        ],
      },
      { text: 'Migrating', items: [{ text: 'From what you have', link: '/migrating/' }] },
      { text: 'Recipes', items: [{ text: 'All', link: '/recipes/' }, ...recipeItems] },
      {
        text: 'Background',
        items: [
          { text: 'Comparison', link: '/comparison' },
          { text: 'Architecture', link: '/architecture' },
          { text: 'Contributing', link: '/contributing' },
        ],
      },
    ],
  },
});
