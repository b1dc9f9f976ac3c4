/** Runs `prisma studio` without its page, and asks it what the page asks: with Studio's own adapter over its own client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

type Row = Readonly<Record<string, unknown>>;
/** Studio's way of returning: an error, or null and a result. */
type Either<T> = readonly [Error] | readonly [null, T];

export interface StudioTable {
  readonly name: string;
  readonly schema: string;
  readonly columns: Readonly<Record<string, { readonly name: string; readonly datatype: { readonly name: string } }>>;
}

/** The part of `@prisma/studio-core` that the tests use; its types come with React's. */
interface StudioAdapter {
  introspect(options: object): Promise<
    Either<{
      readonly timezone: string;
      readonly schemas: Readonly<Record<string, { readonly tables: Readonly<Record<string, StudioTable>> }>>;
    }>
  >;
  query(details: object, options: StudioOptions): Promise<Either<{ filteredRowCount: unknown; rows: Row[] }>>;
  raw(details: { sql: string }, options: StudioOptions): Promise<Either<{ rows: Row[] }>>;
  sqlLint(details: { sql: string }, options: StudioOptions): Promise<Either<{ diagnostics: { message: string }[] }>>;
  insert(details: { table: StudioTable; rows: Row[] }, options: object): Promise<Either<{ rows: Row[] }>>;
  update(details: { table: StudioTable; row: Row; changes: Row }, options: object): Promise<Either<{ row: Row }>>;
  updateMany(
    details: { table: StudioTable; updates: { table: StudioTable; row: Row; changes: Row }[] },
    options: object,
  ): Promise<Either<{ rows: Row[] }>>;
  delete(details: { table: StudioTable; rows: Row[] }, options: object): Promise<Either<{ rows: Row[] }>>;
}

interface StudioOptions {
  readonly abortSignal: AbortSignal;
}

export interface Studio {
  readonly adapter: StudioAdapter;
  /** The page it serves. */
  page(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it with `DATABASE_URL` in the project's folder. */
export async function startStudio(folder: string, databaseUrl: string): Promise<Studio> {
  const child = spawn(
    process.execPath,
    [
      join(here, 'node_modules/prisma/build/index.js'),
      ...['studio', '--browser', 'none', '--config', 'prisma.config.mjs'],
    ],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        NO_COLOR: '1',
        CI: '1',
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        DATABASE_URL: databaseUrl,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const origin = await printedAddress(child);
  return {
    adapter: await connectAdapter(origin),
    page: async () => (await fetch(origin)).text(),
    async stop() {
      const closed = new Promise((resolve) => child.on('close', resolve));
      child.kill('SIGTERM');
      await closed;
    },
  };
}

function printedAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: string): void => {
      output += text;
      const address = /running at:\s+(http:\/\/\S+)/.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`prisma studio ended: ${output}`)));
  });
}

/** The copy that the CLI brings. */
async function connectAdapter(origin: string): Promise<StudioAdapter> {
  const ofPrisma = createRequire(createRequire(import.meta.url).resolve('prisma/package.json'));
  const load = (entry: string): Promise<unknown> => import(pathToFileURL(ofPrisma.resolve(entry)).href);
  const { createStudioBFFClient } = (await load('@prisma/studio-core/data/bff')) as {
    createStudioBFFClient(options: { url: string }): object;
  };
  const { createPostgresAdapter } = (await load('@prisma/studio-core/data/postgres-core')) as {
    createPostgresAdapter(options: { executor: object }): StudioAdapter;
  };
  return createPostgresAdapter({ executor: createStudioBFFClient({ url: `${origin}/bff` }) });
}

/** The result, or the error thrown. */
export function unwrap<T>([error, result]: Either<T>): T {
  if (error !== null) throw error;
  return result as T; // one of the two is there
}
