// npm run transcripts [worker|vercel|prisma …]: plays the first steps and writes recipes/transcripts.md. Named ones are only played.
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { packPublished, repositoryRoot } from '../published-packages.ts';
import { firstSteps } from './first-steps.ts';
import { transcriptsMarkdown } from './markdown.ts';
import { type PlayedPath, playPath } from './play.ts';

const ports = [4444, 6432, 8787, 3000];
const schemaEngine = join(repositoryRoot, 'test/clients/schema-engine-shim/schema-engine.mjs');
const note =
  "Prisma's CLI would download its schema engine from a server of Prisma's; the machine reaches npm only, so that here its " +
  'WebAssembly build took the place (`test/clients/schema-engine-shim`).';

async function requireFree(port: number): Promise<void> {
  await new Promise<void>((settle, reject) => {
    const server = createServer();
    server.once('error', () => reject(new Error(`Port ${port} is in use: the transcripts need ${ports.join(', ')}.`)));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => settle()));
  });
}

const wanted = process.argv.slice(2);
const paths = firstSteps.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const packed = packPublished();
try {
  for (const { tarball, name } of packed.packages) {
    copyFileSync(tarball, join(packed.folder, `${name.slice(1).replace('/', '-')}.tgz`));
  }
  const played: PlayedPath[] = [];
  for (const path of paths) {
    for (const port of ports) await requireFree(port);
    console.log(`${path.title} …`);
    const one = await playPath(path, {
      packed: packed.folder,
      environment: { PRISMA_SCHEMA_ENGINE_BINARY: schemaEngine },
    });
    console.log(`  ${one.seconds.toFixed(1)} s: ${path.answers}`);
    played.push(one);
  }
  const day = new Date().toISOString().slice(0, 10);
  const machine = `${day}, Node ${process.versions.node}, ${process.platform}-${process.arch}, ${cpus().length} cores`;
  const text = transcriptsMarkdown(played, machine, note);
  if (wanted.length === 0) writeFileSync(join(repositoryRoot, 'recipes/transcripts.md'), text);
  else console.log(text);
} finally {
  packed.remove();
}
