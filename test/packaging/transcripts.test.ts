// The page shows what the script would play now. The script itself takes minutes and the ports of a developer: `npm run transcripts`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from './published-packages.ts';
import { firstSteps } from './transcripts/first-steps.ts';

const page = readFileSync(join(repositoryRoot, 'recipes/transcripts.md'), 'utf8');

test.each(firstSteps)(
  '$title: each command and file, in order, and the answer',
  ({ title, steps, answers, deployed }) => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
    const shown = steps.map((step) =>
      step.kind === 'write'
        ? `\`${step.file}\`:\n\n\`\`\``
        : `$ ${step.command.replaceAll('{packed}', '../packed').replace(' > package.log', '')}\n`,
    );
    const places = shown.map((text) => section.indexOf(text));
    expect(shown.filter((_, index) => places[index] === -1)).toEqual([]);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    for (const step of steps) if (step.kind === 'write') expect(section).toContain(step.text.trimEnd());
    expect(section).toContain(`\n${answers}\n`);
    expect(section).toContain(deployed);
  },
);

const fromNpm: readonly (readonly [from: RegExp, to: string])[] = [
  [/--package=\{packed\}\/postern-cli\.tgz postern/g, '@postern/cli'],
  [/\{packed\}\/postern-([\w-]+)\.tgz/g, '@postern/$1'],
  // The page takes what is there: these versions are what was played.
  [/(?<=[\w-])@\d[\d.]*/g, ''],
];

test.each(firstSteps)(
  '$title: the page of the site tells the same, with packages from npm',
  ({ steps, page: name }) => {
    const told = readFileSync(join(repositoryRoot, 'apps/docs/content/start', name), 'utf8');
    const wanted = steps.flatMap((step) => {
      if (step.kind === 'write') return [`\`${step.file}\``, `\n${step.text.trimEnd()}\n\`\`\``];
      const command = fromNpm.reduce((text, [from, to]) => text.replace(from, to), step.command);
      return command.replace(' > package.log', '').split(' && ');
    });
    const missing = wanted.filter((text) => !told.includes(text));
    expect(missing).toEqual([]);
  },
);

test('each path took less than five minutes', () => {
  const seconds = [...page.matchAll(/^\| \[.+?\]\(.+?\) \| \d+ \| (\d+) s \|$/gm)].map(([, text]) => Number(text));
  expect(seconds).toHaveLength(firstSteps.length);
  expect(Math.max(...seconds)).toBeLessThan(300);
});
