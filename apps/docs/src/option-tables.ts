/** Tables of options, made from the code that reads them, so that none is missing. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLimits } from '@postern/pool';
import { interfaceMembers } from './interface-members.ts';
import { codeCell, markdownTable, textCell, wrappingCodeCell } from './markdown-table.ts';

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** What `postern COMMAND --help` says about one flag. */
interface Flag {
  /** `--pool-size <n>` */
  readonly usage: string;
  readonly meaning: string;
}

const commands: readonly (readonly string[])[] = [
  ['dev'],
  ['serve'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'revoke'],
];

/**
 * Interfaces whose members are options of the driver and of the adapter, by the name of their table. `others` is said of members
 * without a comment of their own.
 */
const interfaces: readonly { part: string; file: string; name: string; others?: string }[] = [
  {
    part: 'driver-configuration',
    file: 'packages/serverless/src/config.ts',
    name: 'Configuration',
    others: 'Accepted and ignored.',
  },
  {
    part: 'driver-query',
    file: 'packages/serverless/src/http/options.ts',
    name: 'HTTPQueryOptions',
    others: 'See below.',
  },
  {
    part: 'driver-connection',
    file: 'packages/serverless/src/http/options.ts',
    name: 'ConnectionParameters',
    others: 'As in a connection string; a function is called for every request.',
  },
  {
    part: 'driver-cache',
    file: 'packages/serverless/src/http/options.ts',
    name: 'CacheOptions',
    others: 'For how many seconds an answer is good.',
  },
  {
    part: 'driver-transaction',
    file: 'packages/serverless/src/http/options.ts',
    name: 'HTTPTransactionOptions',
    others: 'Of the transaction, as in `BEGIN`.',
  },
  { part: 'driver-interactive', file: 'packages/serverless/src/http/interactive.ts', name: 'InteractiveOptions' },
  {
    part: 'driver-client',
    file: 'packages/serverless/src/pg/connection-parameters.ts',
    name: 'ClientConfig',
    others: 'As in `pg`.',
  },
  { part: 'driver-pool', file: 'packages/serverless/src/pg/pool.ts', name: 'PoolConfig', others: 'As in `pg`.' },
  { part: 'driver-types', file: 'packages/serverless/src/values/type-parsers.ts', name: 'TypeOptions' },
  { part: 'adapter-config', file: 'packages/prisma-adapter/src/prisma-postern.ts', name: 'PrismaPosternConfig' },
  { part: 'adapter-options', file: 'packages/prisma-adapter/src/prisma-postern.ts', name: 'PrismaPosternOptions' },
];

/** Tables by name, for `<!--@include: …/parts/NAME.md-->`. The program has to be built. */
export function optionTables(repositoryFolder: string): ReadonlyMap<string, string> {
  const program = join(repositoryFolder, 'apps/postern/bin/postern.js');
  const flags = new Map(commands.map((command) => [command.join(' '), readFlags(program, command)]));
  const schema: JsonSchema = JSON.parse(
    readFileSync(join(repositoryFolder, 'apps/postern/postern.schema.json'), 'utf8'),
  );
  const parts = new Map<string, string>();
  parts.set('configuration', configurationTable(schema, flags.get('serve') ?? []));
  for (const [name, group] of Object.entries({ endpoint: 'endpoints', plan: 'plans' })) {
    const inner = schema.properties?.[group]?.additionalProperties;
    if (typeof inner !== 'object') throw new Error(`postern.schema.json has no "${group}"`);
    const rows = Object.entries(inner.properties ?? {});
    parts.set(
      name,
      markdownTable(
        ['Key', 'What'],
        rows.map(([key, { description = '' }]) => [codeCell(key), textCell(description)]),
      ),
    );
  }
  parts.set('commands', [...flags].map(([command, list]) => commandSection(command, list)).join('\n\n'));
  for (const { part, file, name, others = '' } of interfaces) {
    const rows = interfaceMembers(join(repositoryFolder, file), name).map((member) => {
      const what = member.comment || others;
      if (what === '')
        throw new Error(`${file}: ${name}.${member.name} has no comment, and its table says nothing of such`);
      return [`${codeCell(member.name)}<br>${wrappingCodeCell(member.type)}`, textCell(what)];
    });
    parts.set(part, markdownTable(['Option', 'What'], rows));
  }
  parts.set('engine-limits', limitsTable(join(repositoryFolder, 'packages/pool/src/limits.ts')));
  return parts;
}

function configurationTable(schema: JsonSchema, flags: readonly Flag[]): string {
  const rows = keysOf(schema).map(({ path, description, value }) => {
    const flag = `--${path.join('-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const hasFlag = flags.some(({ usage }) => usage.split(' ')[0] === flag);
    const variable = ['POSTERN', ...path.map((key) => key.replaceAll(/[A-Z]/g, '_$&').toUpperCase())].join('_');
    const ways = [path.join('.'), ...(hasFlag ? [flag] : []), variable].map(codeCell).join('<br>');
    return [ways, textCell(description) + (value === '' ? '' : ` Default ${codeCell(value)}.`)];
  });
  return markdownTable(['Key, flag, variable', 'What'], rows);
}

/** Keys that hold a value; groups that are not named by the operator are taken apart. */
function keysOf(
  schema: JsonSchema,
  parent: readonly string[] = [],
): { path: readonly string[]; description: string; value: string }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    if (key.startsWith('$')) return [];
    const path = [...parent, key];
    if (field.properties) return keysOf(field, path);
    return [
      { path, description: field.description ?? '', value: field.default === undefined ? '' : String(field.default) },
    ];
  });
}

function commandSection(command: string, flags: readonly Flag[]): string {
  const rows = flags.map(({ usage, meaning }) => [codeCell(usage), textCell(meaning)]);
  return `### \`postern ${command}\`\n\n${markdownTable(['Flag', 'What'], rows)}`;
}

function readFlags(program: string, command: readonly string[]): Flag[] {
  const help = execFileSync(process.execPath, [program, ...command, '--help'], { encoding: 'utf8', timeout: 20_000 });
  const flags: { usage: string; meaning: string }[] = [];
  for (const line of help.split('\n')) {
    const start = /^ {2}(?:-\w, )?(--[a-z-]+(?: [<[][^>\]]+[>\]])?) {2,}(.*)$/.exec(line);
    if (start) flags.push({ usage: start[1]!, meaning: start[2]! });
    else if (/^ {10,}\S/.test(line) && flags.length > 0) flags.at(-1)!.meaning += ` ${line.trim()}`;
  }
  if (flags.length === 0) throw new Error(`postern ${command.join(' ')} --help names no flag`);
  return flags;
}

function limitsTable(file: string): string {
  const values: Readonly<Record<string, unknown>> = { ...defaultLimits };
  const rows = interfaceMembers(file, 'EngineLimits').map(({ name, comment }) => [
    codeCell(name),
    codeCell(String(values[name] ?? '')),
    textCell(comment),
  ]);
  return markdownTable(['Limit', 'Default', 'What'], rows);
}
