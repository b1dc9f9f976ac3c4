// apps/next-prisma: built once, then asked by plain HTTP as a browser without JavaScript would, and in Chromium.

import { existsSync } from 'node:fs';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from '../prisma-adapter/open-gateway.ts';
import { openAppFolder } from './app-folder.ts';
import { chromiumPath, openPage } from './chromium.ts';
import { type Form, readForms, submit } from './html-form.ts';

const app = openAppFolder('next-prisma');
let database: TestDatabase;
let gateway: OpenedGateway;
let site: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await openGateway(database, { tcp: { host: '127.0.0.1', port: 0 } });
  const { port } = gateway.gateway.tcpAddress!;
  // The Prisma CLI speaks the Postgres protocol, with the same login.
  const tcpUrl = gateway.url().replace(/:\d+\/(?=[^/]*$)/, `:${port}/`);
  expect(await app.run('npx prisma migrate deploy', { DATABASE_URL: tcpUrl })).toContain('successfully applied');
  // Without a database, as a build server has none.
  await app.run('npm run build');
  const server = app.start('npm start', { DATABASE_URL: gateway.url(), PORT: '0' });
  [, site = ''] = await server.printed(/Local: +(http:\S+)[\s\S]*Ready in/);
}, 180_000);

afterAll(async () => {
  await app.close();
  await gateway?.close();
  await database?.drop();
});

beforeEach(() => database.query('TRUNCATE "Entry", "Removal" RESTART IDENTITY'));

const entries = (): Promise<unknown[]> => database.query('SELECT name, message FROM "Entry" ORDER BY id');

describe('without JavaScript', () => {
  const page = async (path = '/'): Promise<string> => {
    const response = await fetch(new URL(path, site));
    expect(response.status).toBe(200);
    return response.text();
  };
  const signForm = async (): Promise<Form> => readForms(await page()).find(({ fields }) => 'message' in fields)!;
  const removeForms = async (): Promise<Form[]> => readForms(await page()).filter(({ fields }) => 'id' in fields);

  test('an entry is added, listed and removed', async () => {
    expect(await page()).toContain('<h1>Guest book</h1>');
    expect(await removeForms()).toEqual([]);

    const answer = await submit(site, await signForm(), { name: ' Ada ', message: 'Hello\n<b>you</b> & all' });
    expect(answer).toEqual({ status: 303, location: '/' });
    expect(await entries()).toEqual([{ name: 'Ada', message: 'Hello\n<b>you</b> & all' }]);
    expect(await page()).toContain('<h2>Ada</h2>');
    expect(await page()).toContain('Hello\n&lt;b&gt;you&lt;/b&gt; &amp; all');

    const [remove] = await removeForms();
    expect(await submit(site, remove!)).toEqual({ status: 303, location: '/' });
    expect(await entries()).toEqual([]);
    expect(await database.query('SELECT name FROM "Removal"')).toEqual([{ name: 'Ada' }]);
  });

  test('the newest entry comes first', async () => {
    await database.query(
      `INSERT INTO "Entry" (name, message) SELECT 'Guest ' || n, 'Hi' FROM generate_series(1, 60) AS n`,
    );
    const names = [...(await page()).matchAll(/<h2>(.*?)<\/h2>/g)].map(([, name]) => name);
    expect(names).toEqual(Array.from({ length: 50 }, (_, n) => `Guest ${60 - n}`));
  });

  test('an entry without a name, or with too long a message, is not written', async () => {
    for (const values of [
      { name: ' ', message: 'Hello' },
      { name: 'Ada', message: 'x'.repeat(501) },
    ]) {
      const answer = await submit(site, await signForm(), values);
      expect(answer).toEqual({ status: 303, location: '/?problem=incomplete' });
    }
    expect(await entries()).toEqual([]);
    expect(await page('/?problem=incomplete')).toMatch(/<p role="alert">Please give a name/);
    expect(await page('/?problem=constructor')).not.toContain('role="alert"');
  });

  test('an entry is removed once, however many ask at the same time', async () => {
    await database.query(`INSERT INTO "Entry" (name, message) VALUES ('Ada', 'Hello')`);
    const [remove] = await removeForms();
    const answers = await Promise.all(Array.from({ length: 4 }, () => submit(site, remove!)));
    expect(answers.map(({ location }) => location).sort()).toEqual([
      '/',
      '/?problem=gone',
      '/?problem=gone',
      '/?problem=gone',
    ]);
    expect(await database.query('SELECT count(*)::int AS removals FROM "Removal"')).toEqual([{ removals: 1 }]);
  });

  test('an entry stays when its removal cannot be noted', async () => {
    await database.query(`
      INSERT INTO "Entry" (name, message) VALUES ('Ada', 'Hello');
      ALTER TABLE "Removal" ADD CONSTRAINT refused CHECK (name <> 'Ada')`);
    const [remove] = await removeForms();
    expect((await submit(site, remove!)).status).toBe(500);
    await database.query('ALTER TABLE "Removal" DROP CONSTRAINT refused');
    expect(await entries()).toEqual([{ name: 'Ada', message: 'Hello' }]);
  });
});

// Chromium is what npm does not bring: `apt-get install chromium`, or CHROMIUM_PATH.
describe.skipIf(!existsSync(chromiumPath))(`in Chromium (skipped unless ${chromiumPath} exists)`, () => {
  test.each([true, false])('an entry is added and removed, with JavaScript: %s', async (javaScriptEnabled) => {
    const { page, close } = await openPage(site, { javaScriptEnabled });
    await page.getByLabel('Your name').fill('Grace');
    await page.getByLabel('Your message').fill('Nice to be here');
    await page.getByRole('button', { name: 'Sign' }).click();
    await page.getByRole('heading', { name: 'Grace' }).waitFor();
    expect(await entries()).toEqual([{ name: 'Grace', message: 'Nice to be here' }]);
    await page.getByRole('button', { name: 'Remove the entry of Grace' }).click();
    await page.getByText('0 entries, 1 removed').waitFor();
    expect(await entries()).toEqual([]);
    await close();
  });

  test('axe finds nothing serious, with entries and with a problem', async () => {
    await database.query(`INSERT INTO "Entry" (name, message) VALUES ('Ada', 'Hello'), ('Grace', 'Hi')`);
    const { page, seriousFindings, close } = await openPage(`${site}/?problem=incomplete`);
    expect(await page.getByRole('alert').first().textContent()).toContain('Please give a name');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await seriousFindings()).toEqual([]);
    }
    await page.evaluate(`document.querySelector('label').remove()`);
    expect(await seriousFindings()).toEqual([expect.stringMatching(/^label: <input id="name"/)]);
    await close();
  });
});

test('README: a database, its tables, the site', async () => {
  const [dev = '', rest = '', ...more] = app.runnableBlocks();
  expect(more).toEqual([]);
  const postern = app.start(dev);
  const [, http = ''] = await postern.printed(/HTTP and WebSocket +http:\/\/(\S+)/);
  const [, tcp = ''] = await postern.printed(/direct +postgres:\/\/postgres:postgres@(\S+?)\//);
  expect(rest).toContain('127.0.0.1:6432');
  const next = app.start(rest.replace('127.0.0.1:6432', tcp), {
    DATABASE_URL: `postgres://postgres:postgres@${http}/postgres`,
    PORT: '0',
  });
  const [, address = ''] = await next.printed(/Local: +(http:\S+)/);
  expect(await (await fetch(address)).text()).toContain('<h1>Guest book</h1>');
  await next.stop();
  await postern.stop();
}, 90_000);
