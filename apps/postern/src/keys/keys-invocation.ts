import type { Command } from 'commander';
import type { ConfigValue } from '../config/environment.ts';

interface Common {
  readonly command: 'keys';
  /** `--keys-file`, as the configuration key it sets. */
  readonly flags: readonly ConfigValue[];
  readonly configFile: string | undefined;
}

/** What `postern keys …` was asked for. */
export type KeysInvocation = Common &
  (
    | {
        readonly action: 'create';
        readonly name: string;
        readonly endpoint: string;
        readonly schema: string | undefined;
        readonly plan: string;
        /** A secret. */
        readonly ownDatabaseUrl: string | undefined;
      }
    | { readonly action: 'list' }
    | { readonly action: 'revoke'; readonly id: string }
  );

type Values = Readonly<Record<string, string | undefined>>;

/** Adds the commands; `remember` gets what was asked for. */
export function addKeysCommands(program: Command, remember: (invocation: KeysInvocation) => void): void {
  const group = program
    .command('keys')
    .description('API keys, for Prisma clients with an accelerateUrl')
    .helpCommand(false);
  const common = (command: Command): Command =>
    command
      .option('--keys-file <file>', 'where the keys are kept, hashed (default: .postern/keys.json)')
      .option('--config <file>', 'configuration file (default: postern.json, when there is one)')
      .allowExcessArguments(false);
  const shared = (values: Values): Common => ({
    command: 'keys',
    flags: values.keysFile === undefined ? [] : [{ path: ['keysFile'], value: values.keysFile, origin: '--keys-file' }],
    configFile: values.config,
  });

  common(
    group
      .command('create')
      .description('make a key and show it, once')
      .option('--name <name>', 'what you call it', 'unnamed')
      .option('--endpoint <name>', 'whose Postgres, role and password it uses', 'default')
      .option('--schema <name>', 'Postgres schema (default: public)')
      .option('--plan <name>', 'its limits: free, starter, pro, business or one from postern.json', 'business')
      .option('--key-database-url <url>', 'a role or database of its own, kept encrypted with the key itself'),
  ).action((values: Values) =>
    remember({
      ...shared(values),
      action: 'create',
      name: values.name ?? 'unnamed',
      endpoint: values.endpoint ?? 'default',
      schema: values.schema,
      plan: values.plan ?? 'business',
      ownDatabaseUrl: values.keyDatabaseUrl,
    }),
  );
  common(group.command('list').description('show all keys, but for what is secret')).action((values: Values) =>
    remember({ ...shared(values), action: 'list' }),
  );
  common(
    group.command('revoke').description('take a key away; running gateways notice').argument('<id>', 'from the list'),
  ).action((id: string, values: Values) => remember({ ...shared(values), action: 'revoke', id }));
}
