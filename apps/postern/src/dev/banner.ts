import { devLogin } from './dev-database.ts';
import { devKey } from './dev-key.ts';

/** Where the running gateway can be reached. */
export interface Addresses {
  /** `127.0.0.1:4444` */
  readonly http: string;
  /** `127.0.0.1:6432` */
  readonly tcp: string;
  readonly isTls?: boolean;
}

/** One ready-to-paste example. */
export interface Snippet {
  readonly title: string;
  /** How to get what it needs, and where to put it: a line each. */
  readonly steps: readonly string[];
  readonly code: string;
}

/** Connection strings for every client: `options=` is the one spelling that libpq, pg and all drivers pass on. */
export function connectionStrings(tcp: string): { direct: string; pooled: string } {
  const direct = `postgres://${devLogin.user}:${devLogin.password}@${tcp}/${devLogin.database}`;
  return { direct, pooled: `${direct}?options=pooled%3Dtrue` };
}

export function snippets({ http, tcp, isTls = false }: Addresses): { driver: Snippet; prisma: Snippet; psql: Snippet } {
  const { pooled } = connectionStrings(tcp);
  const localDriver = `neonConfig.fetchEndpoint = '${isTls ? 'https' : 'http'}://${http}/sql';
neonConfig.wsProxy = () => '${http}/v2';
neonConfig.useSecureWebSocket = ${isTls};
neonConfig.webSocketConstructor = WebSocket;`;
  return {
    driver: {
      title: 'The official Neon driver, over HTTP and over WebSocket',
      steps: ['npm install @neondatabase/serverless ws', 'save as query.mjs and run: node query.mjs'],
      code: `import { neon, neonConfig, Pool } from '@neondatabase/serverless';
import { WebSocket } from 'ws';

${localDriver}

const url = '${pooled}';
const sql = neon(url);
console.log('HTTP:', await sql\`SELECT 'hello' AS greeting, \${42}::int AS answer\`);

const pool = new Pool({ connectionString: url });
const { rows } = await pool.query('SELECT version()');
console.log('WebSocket:', rows);
await pool.end();`,
    },
    prisma: {
      title: 'Prisma with its Neon adapter',
      steps: [
        'npm install prisma @prisma/client @prisma/adapter-neon @neondatabase/serverless ws tsx',
        'npx prisma init --output ../generated/prisma && npx prisma generate    (where there is no Prisma yet)',
        'save as query.mts and run: npx tsx query.mts',
      ],
      code: `import { neonConfig } from '@neondatabase/serverless';
import { PrismaNeon } from '@prisma/adapter-neon';
import { WebSocket } from 'ws';
import { PrismaClient } from './generated/prisma/client';

${localDriver}

const adapter = new PrismaNeon({ connectionString: '${pooled}' });
const prisma = new PrismaClient({ adapter });
console.log('Prisma:', await prisma.$queryRaw\`SELECT version()\`);
await prisma.$disconnect();`,
    },
    psql: {
      title: 'psql',
      steps: ['or any other Postgres client, and the Prisma CLI'],
      code: `psql '${pooled}'`,
    },
  };
}

/** For `accelerateUrl`. By this name the client talks plain http, and its extension to us and nobody else. */
export function accelerateUrl(http: string): string {
  return `prisma+postgres://localhost:${http.slice(http.lastIndexOf(':') + 1)}/?api_key=${devKey}`;
}

/** What `postern dev` says when it is open, for people. */
export function devBanner(version: string, addresses: Addresses, folder: string): string {
  const { direct, pooled } = connectionStrings(addresses.tcp);
  const parts = Object.values(snippets(addresses)).map(
    ({ title, steps, code }, index) => `${index + 1}. ${title}\n   ${steps.join('\n   ')}\n\n${code}\n`,
  );
  return `
Postern ${version} is open.

  HTTP and WebSocket   ${addresses.isTls ? 'https' : 'http'}://${addresses.http}
  pooled               ${pooled}
  direct               ${direct}
  Prisma accelerateUrl ${accelerateUrl(addresses.http)}
  data                 ${folder} (kept)

${parts.join('\n')}
Stop with Ctrl-C. Events:
`;
}
