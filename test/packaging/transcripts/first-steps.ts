// The first steps of three developers, from an empty folder to an answered query, as data: `play.ts` plays them, `markdown.ts`
// writes down what was printed. `{packed}` is the folder of the packed packages.

/** What is done next. */
export type Step =
  /** In the developer's folder. */
  | { readonly kind: 'run'; readonly command: string }
  /** In another terminal, in a folder of its own when it is named; goes on until the path is over. */
  | { readonly kind: 'start'; readonly command: string; readonly folder?: string; readonly until: RegExp }
  | { readonly kind: 'write'; readonly file: string; readonly text: string };

export interface Path {
  readonly title: string;
  /** Folder, and name in the file. */
  readonly name: string;
  readonly introduction: string;
  /** Of the documentation: tells the same steps, with packages from npm. Below `apps/docs/content/start`. */
  readonly page: string;
  readonly steps: readonly Step[];
  /** What the last answer has to be. */
  readonly answers: string;
  /** What is left to do where we cannot go. */
  readonly deployed: string;
}

const gate: Step = {
  kind: 'start',
  folder: 'gate',
  command: 'npx --package={packed}/postern-cli.tgz postern dev',
  until: /Stop with Ctrl-C\. Events:/,
};

const worker: Path = {
  title: 'A Worker',
  name: 'worker',
  introduction: 'Cloudflare Workers, with `@postern/serverless` over HTTP.',
  page: 'workers.md',
  steps: [
    gate,
    {
      kind: 'run',
      command: 'npm init --yes --init-type=module > package.log && npm install {packed}/postern-serverless.tgz',
    },
    { kind: 'run', command: 'npm install --save-dev wrangler@4.86.0' },
    {
      kind: 'write',
      file: 'wrangler.jsonc',
      text: `{
  "name": "hello",
  "main": "index.ts",
  "compatibility_date": "2026-04-01"
}
`,
    },
    { kind: 'write', file: '.dev.vars', text: 'DATABASE_URL=postgres://postgres:postgres@localhost:4444/postgres\n' },
    {
      kind: 'write',
      file: 'index.ts',
      text: `import { postern } from '@postern/serverless/http';

export default {
  async fetch(request: Request, env: { DATABASE_URL: string }): Promise<Response> {
    const sql = postern(env.DATABASE_URL);
    const name = new URL(request.url).searchParams.get('name');
    return Response.json(await sql\`SELECT 'Hello, ' || \${name} AS greeting\`);
  },
};
`,
    },
    { kind: 'start', command: 'npx wrangler dev --port 8787', until: /Ready on/ },
    { kind: 'run', command: "curl -s 'http://localhost:8787/?name=Worker'" },
    { kind: 'run', command: 'npx wrangler deploy --dry-run --outdir dist' },
    { kind: 'run', command: "curl -s 'http://localhost:8787/?name=again'" },
  ],
  answers: '[{"greeting":"Hello, again"}]',
  deployed:
    '`npx wrangler secret put DATABASE_URL` (the address of your gateway: `postgres://user:password@gate.example.com:443/app`) and `npx wrangler deploy`.',
};

const vercel: Path = {
  title: 'Vercel',
  name: 'vercel',
  introduction: 'A Next.js route in the edge runtime and one in Node, with `@postern/serverless`.',
  page: 'vercel.md',
  steps: [
    gate,
    {
      kind: 'run',
      command:
        'npm init --yes --init-type=module > package.log && npm install {packed}/postern-serverless.tgz next@16.4.6 react@19.3.1 react-dom@19.3.1',
    },
    { kind: 'run', command: 'npm install --save-dev typescript@6.0.3 @types/node@20.19.43 @types/react@19.3.0' },
    { kind: 'write', file: '.env.local', text: 'DATABASE_URL=postgres://postgres:postgres@localhost:4444/postgres\n' },
    {
      kind: 'write',
      file: 'app/edge/route.ts',
      text: `import { postern } from '@postern/serverless/http';

export const runtime = 'edge';

export async function GET(): Promise<Response> {
  const sql = postern(process.env.DATABASE_URL!);
  return Response.json(await sql\`SELECT 'edge' AS from, 6 * \${7}::int AS answer\`);
}
`,
    },
    {
      kind: 'write',
      file: 'app/node/route.ts',
      text: `import { postern } from '@postern/serverless/http';

const sql = postern(process.env.DATABASE_URL!);

export const dynamic = 'force-dynamic';

export async function GET(): Promise<Response> {
  const answer = await sql.begin(async (tx) => {
    const [row] = await tx<{ n: number }>\`SELECT 6 AS n\`;
    return tx\`SELECT 'Node' AS from, \${row!.n}::int * 7 AS answer\`;
  });
  return Response.json(answer);
}
`,
    },
    { kind: 'run', command: 'npx next build' },
    { kind: 'start', command: 'npx next start --port 3000', until: /Ready in/ },
    { kind: 'run', command: 'curl -s http://localhost:3000/edge' },
    { kind: 'run', command: 'curl -s http://localhost:3000/node' },
  ],
  answers: '[{"from":"Node","answer":42}]',
  deployed:
    '`npx vercel env add DATABASE_URL` (the address of your gateway: `postgres://user:password@gate.example.com:443/app`) and `npx vercel deploy`.',
};

const prisma: Path = {
  title: 'Prisma',
  name: 'prisma',
  introduction: 'Prisma 7 with `@postern/prisma-adapter`: HTTP for the client, TCP for the Prisma CLI.',
  page: 'prisma.md',
  steps: [
    gate,
    {
      kind: 'run',
      command:
        'npm init --yes --init-type=module > package.log && npm install {packed}/postern-prisma-adapter.tgz {packed}/postern-serverless.tgz @prisma/client@7.10.0',
    },
    { kind: 'run', command: 'npm install --save-dev prisma@7.10.1 tsx@4.23.15' },
    {
      kind: 'write',
      file: 'prisma/schema.prisma',
      text: `generator client {
  provider = "prisma-client"
  output   = "../generated/prisma"
}

datasource db {
  provider = "postgresql"
}

model User {
  id    Int     @id @default(autoincrement())
  email String  @unique
  name  String?
}
`,
    },
    {
      kind: 'write',
      file: 'prisma.config.ts',
      text: `import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  datasource: { url: 'postgres://postgres:postgres@localhost:6432/postgres?pgbouncer=true' },
});
`,
    },
    { kind: 'run', command: 'npx prisma db push' },
    { kind: 'run', command: 'npx prisma generate' },
    {
      kind: 'write',
      file: 'index.ts',
      text: `import { PrismaPostern } from '@postern/prisma-adapter';
import { PrismaClient } from './generated/prisma/client';

const local = 'postgres://postgres:postgres@localhost:4444/postgres';
const connectionString = process.env.DATABASE_URL ?? local;
const prisma = new PrismaClient({ adapter: new PrismaPostern({ connectionString }) });

const ada = { email: 'ada@example.com', name: 'Ada' };
await prisma.user.upsert({ where: { email: ada.email }, create: ada, update: ada });
console.log(JSON.stringify(await prisma.user.findMany({ select: { email: true, name: true } })));
await prisma.$disconnect();
`,
    },
    { kind: 'run', command: 'npx tsx index.ts' },
  ],
  answers: '[{"email":"ada@example.com","name":"Ada"}]',
  deployed:
    'set `DATABASE_URL` to the address of your gateway where the program runs: `postgres://user:password@gate.example.com:443/app`.',
};

export const firstSteps: readonly Path[] = [worker, vercel, prisma];
