import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createKey, type KeyEntry, parseDatabaseUrl, readKeyFile, writeKeyFile } from '@postern/gateway';
import type { Config } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import type { ProgramContext } from '../program-context.ts';
import { StartError, UsageError } from '../usage-error.ts';
import type { KeysInvocation } from './keys-invocation.ts';

/** `postern keys …`: works on the keys file; running gateways read it again by themselves. */
export async function keys(invocation: KeysInvocation, context: ProgramContext): Promise<void> {
  const { flags, configFile } = invocation;
  const config = loadConfig({ flags, environment: context.environment, file: configFile });
  const path = config.keysFile;
  const entries = read(path);
  switch (invocation.action) {
    case 'create':
      context.write(await create(invocation, config, entries));
      return;
    case 'list':
      context.write(table(entries));
      return;
    case 'revoke':
      context.write(revoke(invocation.id, path, entries));
      return;
  }
}

async function create(
  wish: Extract<KeysInvocation, { action: 'create' }>,
  config: Config,
  entries: readonly KeyEntry[],
): Promise<string> {
  const { name, schema, plan, ownDatabaseUrl } = wish;
  const endpoint = wish.endpoint.toLowerCase();
  const known = endpointUrls(config);
  if (ownDatabaseUrl === undefined) checkEndpoint(endpoint, known);
  else if (!/^postgres(ql)?:\/\/[^/@]+@/.test(ownDatabaseUrl) || !URL.canParse(ownDatabaseUrl)) {
    throw new UsageError('--key-database-url: expected postgres://user:password@host:5432/database');
  }
  const { key, entry } = await createKey({
    name,
    endpoint,
    schema,
    plan: checkPlan(plan, config),
    databaseUrl: ownDatabaseUrl,
    createdAt: new Date(),
  });
  write(config.keysFile, [...entries, entry]);
  return `Key ${entry.id} for ${describe(entry)}. It is shown this once:

  ${key}

For Prisma:

  prisma+postgres://HOST/?api_key=${key}
${known.size > 0 || endpoint === defaultEndpoint ? '' : `\nNo endpoint is configured here: the gateway must have one named ${endpoint}.\n`}`;
}

const productPlans: readonly string[] = ['free', 'starter', 'pro', 'business'];

function checkPlan(plan: string, { plans = {} }: Config): string {
  const known = [...new Set([...productPlans, ...Object.keys(plans)])];
  if (known.includes(plan)) return plan;
  throw new UsageError(`--plan: there is no plan "${plan}"; known are ${known.join(', ')}`);
}

const defaultEndpoint = 'default';

/** By the names the gateway gives them; empty when none is configured here. */
function endpointUrls({ databaseUrl, endpoints = {} }: Config): ReadonlyMap<string, string> {
  const urls = Object.entries(endpoints).map(([name, { databaseUrl: url }]) => [name.toLowerCase(), url] as const);
  return new Map(databaseUrl === undefined ? urls : [[defaultEndpoint, databaseUrl], ...urls]);
}

/** Only when endpoints are configured here: the gateway may run somewhere else, with a configuration of its own. */
function checkEndpoint(endpoint: string, known: ReadonlyMap<string, string>): void {
  if (known.size === 0) return;
  const url = known.get(endpoint);
  if (url === undefined) {
    const names = [...known.keys()].join(', ');
    throw new UsageError(`--endpoint: there is no endpoint "${endpoint}"; configured are ${names}`);
  }
  if (parseDatabaseUrl(url).role !== undefined) return;
  throw new UsageError(
    `--endpoint: the database URL of endpoint "${endpoint}" names no role, and a key needs one; name it there, or give --key-database-url`,
  );
}

function revoke(id: string, path: string, entries: readonly KeyEntry[]): string {
  // The whole key says which one it is too, and whoever found one lying about has nothing else.
  const wanted = /^postern_([a-z0-9]{10})_/.exec(id)?.[1] ?? id;
  const rest = entries.filter((entry) => entry.id !== wanted);
  if (rest.length === entries.length)
    throw new UsageError(`there is no key ${wanted.slice(0, 80)} in ${path}; see postern keys list`);
  write(path, rest);
  return `Key ${wanted} is revoked.\n`;
}

function table(entries: readonly KeyEntry[]): string {
  if (entries.length === 0) return 'There are no keys; make one with postern keys create.\n';
  const rows = entries.map((entry) => [
    entry.id,
    entry.name,
    entry.database === undefined ? entry.endpoint : 'its own database',
    entry.schema ?? 'public',
    entry.plan,
    entry.createdAt.slice(0, 10),
  ]);
  const head = ['ID', 'NAME', 'ENDPOINT', 'SCHEMA', 'PLAN', 'CREATED'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

function describe({ endpoint, schema = 'public', plan, database }: KeyEntry): string {
  return `${database === undefined ? `endpoint ${endpoint}` : 'its own database'}, schema ${schema}, plan ${plan}`;
}

function read(path: string): readonly KeyEntry[] {
  try {
    return readKeyFile(path).keys;
  } catch (error) {
    throw new StartError((error as Error).message);
  }
}

function write(path: string, entries: readonly KeyEntry[]): void {
  try {
    keepOutOfRepositories(dirname(path));
    writeKeyFile(path, { version: 1, keys: entries });
  } catch (error) {
    throw new StartError(`cannot write the keys file ${path}: ${(error as Error).message}`);
  }
}

/** Our own folder, when this command makes it: as `postern dev` does. */
function keepOutOfRepositories(folder: string): void {
  if (basename(folder) !== '.postern' || existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.gitignore'), '*\n');
}
