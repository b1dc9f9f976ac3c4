import type { Snippet } from './readme-snippets.ts';

// What a README's snippet needs around it to be a program, as its reader would write it, and what that prints then.

export interface SnippetProgram {
  /** The snippet as a module of its own, or as the middle of the program. */
  readonly kind: 'module' | 'program';
  readonly before?: string;
  readonly after?: string;
  readonly prints: string | RegExp;
}

const query = `import { postern } from '@postern/serverless';\nconst sql = postern(process.env.DATABASE_URL!);\n`;

/** By package and heading: a snippet without an entry fails the test, and so does an entry without a snippet. */
export const readmePrograms: Readonly<Record<string, Readonly<Record<string, SnippetProgram>>>> = {
  '@postern/serverless': {
    'Cloudflare Workers': {
      kind: 'module',
      after: `const response = await snippet.fetch(new Request('https://app.example.com/?id=1'), process.env);
console.log(await response.text());`,
      prints: '{"name":"Ada"}',
    },
    'Vercel Edge': {
      kind: 'module',
      after: `console.log(await (await snippet()).text());`,
      prints: /^\[\{"now":"\d{4}-.*"\}\]$/,
    },
    // It waits for notifications for ever: one of them ends it here.
    Node: {
      kind: 'program',
      before: `setInterval(async () => {
  const { postern } = await import('@postern/serverless');
  await postern(process.env.DATABASE_URL!)\`SELECT pg_notify('jobs', 'seven')\`;
}, 100);
const print = console.log;
console.log = (line) => {
  print(line);
  process.exit(0);
};`,
      prints: 'seven',
    },
    'A transaction': {
      kind: 'program',
      before: `${query}await sql\`UPDATE account SET amount = 10 * (2 - id)\`;`,
      after: 'console.log(moved);',
      prints: '10',
    },
    'A stream': {
      kind: 'program',
      before: query,
      after: `console.log('left the loop');`,
      prints: 'left the loop',
    },
    'Building statements': {
      kind: 'program',
      before: query,
      after: `console.log(await sql\`SELECT name, role FROM users WHERE id IN (2, 3) ORDER BY id\`);`,
      prints: "[ { name: 'Ada', role: 'user' }, { name: 'Grace', role: 'admin' } ]",
    },
    'From @neondatabase/serverless': {
      kind: 'program',
      after: `const { neon } = await import('@neondatabase/serverless');
console.log(await neon(process.env.DATABASE_URL!)\`SELECT 1 AS one\`);`,
      prints: '[ { one: 1 } ]',
    },
  },
  '@postern/prisma-adapter': {
    '@postern/prisma-adapter': {
      kind: 'program',
      after: `console.log(await prisma.$queryRaw\`SELECT 1 AS one\`);
await prisma.$disconnect();`,
      prints: '[ { one: 1 } ]',
    },
  },
  '@postern/cli': {},
};

/** Files of one program: `main.ts` is run. */
export function filesOf(snippet: Snippet, program: SnippetProgram): Record<string, string> {
  if (program.kind === 'program') {
    return { 'main.ts': [program.before, snippet.code, program.after].filter(Boolean).join('\n') };
  }
  return { 'snippet.ts': snippet.code, 'main.ts': `import snippet from './snippet.ts';\n${program.after}` };
}
