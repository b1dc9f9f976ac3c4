import type { PlayedPath, PlayedStep } from './play.ts';

const maxLines = 16;

/** What was played, as a Markdown page. */
export function transcriptsMarkdown(played: readonly PlayedPath[], machine: string, note: string): string {
  const table = played.map(
    ({ path, seconds, steps }) =>
      `| [${path.title}](#${path.title.toLowerCase().replace(/ /g, '-')}) | ${steps.length} | ${Math.ceil(seconds)} s |`,
  );
  return `# The first five minutes

Three developers, each from an empty folder with an empty home folder and nothing of Postern but the packed packages
(\`../packed\`; from npm, their names take the place of the files). Written by \`npm run transcripts\`, which plays every command and
fails when one does. Played on ${machine}. ${note}

| Path | Steps | Machine's time |
| --- | --- | --- |
${table.join('\n')}

${played.map(pathMarkdown).join('\n')}`;
}

function pathMarkdown({ path, steps }: PlayedPath): string {
  return `## ${path.title}

${path.introduction}

${steps.map(stepMarkdown).join('\n')}
To deploy it: ${path.deployed} (Not played here.)
`;
}

function stepMarkdown({ step, output, seconds }: PlayedStep): string {
  if (step.kind === 'write') {
    return `\`${step.file}\`:\n\n${fenced(step.text.trimEnd(), languageOf(step.file))}\n`;
  }
  const command = step.command.replaceAll('{packed}', '../packed').replace(' > package.log', '');
  const where = step.kind === 'start' ? 'In another terminal' : undefined;
  const printed = shortened(output.trim());
  const text = [`$ ${command}`, ...(printed === '' ? [] : [printed])].join('\n');
  return `${where ? `${where} (ready after ${seconds.toFixed(1)} s):` : `${seconds.toFixed(1)} s:`}\n\n${fenced(text, 'console')}\n`;
}

const fenced = (text: string, language: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

function shortened(output: string): string {
  const lines = output.split('\n').map((line) => line.trimEnd());
  if (lines.length <= maxLines) return lines.join('\n');
  return [...lines.slice(0, maxLines - 4), `… ${lines.length - maxLines + 1} more lines …`, ...lines.slice(-3)].join(
    '\n',
  );
}

function languageOf(file: string): string {
  const ending = file.split('.').at(-1)!;
  return ['ts', 'jsonc', 'prisma'].includes(ending) ? ending : 'sh';
}
