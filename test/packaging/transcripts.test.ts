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

test('each path took less than five minutes', () => {
  const seconds = [...page.matchAll(/^\| \[.+?\]\(.+?\) \| \d+ \| (\d+) s \|$/gm)].map(([, text]) => Number(text));
  expect(seconds).toHaveLength(firstSteps.length);
  expect(Math.max(...seconds)).toBeLessThan(300);
});
