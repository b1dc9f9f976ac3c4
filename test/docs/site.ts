/** The built documentation site, as files and as pages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';
import { JSDOM } from 'jsdom';
import { repositoryRoot, testFolder } from './repository.ts';
import { runProcess } from './run-process.ts';

export interface Page {
  /** `/reference/errors.html` */
  readonly path: string;
  readonly html: string;
  /** What is there before any script has run. */
  readonly document: Document;
}

export interface Site {
  readonly folder: string;
  readonly pages: readonly Page[];
  /** The page of a path as links write it; undefined when there is none. */
  find(path: string): Page | undefined;
}

/** Builds it with the generator's own command, away from `apps/docs/dist`. Throws when a link inside it is dead. */
export async function buildSite(): Promise<Site> {
  const folder = join(testFolder, 'generated/site');
  await runProcess({
    command: [process.execPath, join(repositoryRoot, 'apps/docs/scripts/docs.mjs'), 'build', '--outDir', folder],
    cwd: testFolder,
    environment: { PATH: process.env.PATH, NO_COLOR: '1' },
    timeoutMs: 590_000,
  });
  const pages = htmlFiles(folder).map((file): Page => {
    const html = readFileSync(file, 'utf8');
    return { path: `/${relative(folder, file).split(sep).join('/')}`, html, document: new JSDOM(html).window.document };
  });
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return {
    folder,
    pages,
    find: (path) => byPath.get(path.endsWith('/') ? `${path}index.html` : path) ?? byPath.get(`${path}.html`),
  };
}

function htmlFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => join(folder, name));
}

/** All files of a kind, with their text. */
export function filesOf(site: Site, extension: string): { name: string; text: string }[] {
  return readdirSync(site.folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => ({ name, text: readFileSync(join(site.folder, name), 'utf8') }));
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html',
  css: 'text/css',
  js: 'text/javascript',
  woff2: 'font/woff2',
};

/** Any web server for static files would do. */
export async function serveSite(site: Site): Promise<{ address: string; close(): void }> {
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const file = join(site.folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    if (!file.startsWith(site.folder) || !existsSync(file)) {
      response.writeHead(404, { 'content-type': 'text/html' }).end(readFileSync(join(site.folder, '404.html')));
      return;
    }
    response.setHeader('content-type', contentTypes[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}
