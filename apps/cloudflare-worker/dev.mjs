// `npm run dev`: Postern with a Postgres of its own (data in .postern/), the tables, then `wrangler dev`. Ctrl-C ends all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { PrismaPostern } from '@postern/prisma-adapter';

const shell = process.platform === 'win32';
const gateway = spawn('postern', ['dev', '--log-format', 'json'], { stdio: ['ignore', 'pipe', 'inherit'], shell });
let wrangler;
gateway.on('exit', (code) => {
  wrangler?.kill();
  process.exit(code ?? 1);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => gateway.kill());

// Its first line says where it listens; those behind it are about callers.
const [listening] = await once(createInterface(gateway.stdout), 'line');
const connectionString = `postgres://postgres:postgres@${new URL(JSON.parse(listening).http).host}/postgres`;

const adapter = await new PrismaPostern({ connectionString }).connect();
await adapter.executeScript(await readFile('schema.sql', 'utf8'));
await adapter.dispose();

const args = ['dev', '--var', `DATABASE_URL:${connectionString}`, ...process.argv.slice(2)];
wrangler = spawn('wrangler', args, { stdio: 'inherit', shell });
wrangler.on('exit', () => gateway.kill());
