import { Command, CommanderError, Option } from 'commander';
import type { ConfigValue } from './config/environment.ts';
import { addKeysCommands, type KeysInvocation } from './keys/keys-invocation.ts';
import { UsageError } from './usage-error.ts';

/** What the command line asked for. */
export type Invocation = GateInvocation | KeysInvocation;

/** `dev` and `serve`. */
export interface GateInvocation {
  readonly command: 'dev' | 'serve';
  readonly flags: readonly ConfigValue[];
  readonly configFile: string | undefined;
  /** `dev` only: the folder with the embedded database. */
  readonly dataDir: string;
}

export interface CliOptions {
  readonly version: string;
  write(text: string): void;
}

/** Flags and the configuration keys they set. */
const flagKeys: readonly { flag: string; path: readonly string[]; isNumber?: true }[] = [
  { flag: 'databaseUrl', path: ['databaseUrl'] },
  { flag: 'http', path: ['http'] },
  { flag: 'tcp', path: ['tcp'] },
  { flag: 'poolSize', path: ['poolSize'], isNumber: true },
  { flag: 'workers', path: ['workers'], isNumber: true },
  { flag: 'poolTimeout', path: ['poolTimeout'] },
  { flag: 'connectTimeout', path: ['connectTimeout'] },
  { flag: 'keysFile', path: ['keysFile'] },
  { flag: 'logFormat', path: ['logFormat'] },
  { flag: 'shutdownGrace', path: ['shutdownGrace'] },
  { flag: 'tlsCert', path: ['tls', 'cert'] },
  { flag: 'tlsKey', path: ['tls', 'key'] },
];

/**
 * Reads the command line. Returns undefined when everything was said already (--help, --version).
 * Throws UsageError with one line.
 */
export function parseCommandLine(argv: readonly string[], options: CliOptions): Invocation | undefined {
  let invocation: Invocation | undefined;
  const program = new Command('postern')
    .description('A side gate into Postgres for code that cannot hold a Postgres connection.')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: options.write, writeErr: () => {}, getOutHelpWidth: () => 100 })
    .exitOverride()
    .addHelpText('after', helpAfter);

  const remember = (command: GateInvocation['command']) => (values: Record<string, string | undefined>) => {
    invocation = {
      command,
      flags: flagKeys.flatMap(({ flag, path, isNumber }): ConfigValue[] => {
        const text = values[flag];
        if (text === undefined) return [];
        const value = isNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
        return [{ path, value, origin: `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` }];
      }),
      configFile: values.config,
      dataDir: values.dataDir ?? '.postern',
    };
  };

  const common = (command: Command): Command =>
    command
      .option('--http <host:port>', 'where HTTP and WebSocket listen (default: 127.0.0.1:4444; port 0: any free one)')
      .option(
        '--tcp <host:port>',
        'where the Postgres protocol listens (default: 127.0.0.1:6432; port 0: any free one)',
      )
      .option('--pool-size <n>', 'server connections per pool (default: 2 × cores + 1)')
      .option(
        '--workers <n>',
        'processes that share the ports and the pools (default: one per core when more than two)',
      )
      .option('--pool-timeout <time>', 'longest wait for a server connection (default: 10s)')
      .option('--connect-timeout <time>', 'longest wait for a Postgres that starts or wakes (default: 5s)')
      .option('--keys-file <file>', 'API keys, made with postern keys create (default: .postern/keys.json)')
      .option('--tls-cert <file>', 'certificate chain, PEM; turns TLS on')
      .option('--tls-key <file>', 'private key, PEM')
      .option('--shutdown-grace <time>', 'how long running transactions may finish when stopped (default: 10s)')
      .addOption(new Option('--log-format <format>', 'pretty or json (default: pretty)'))
      .option('--config <file>', 'configuration file (default: postern.json, when there is one)')
      .allowExcessArguments(false);

  common(
    program
      .command('dev')
      .description('open the gate in front of an embedded Postgres whose data is kept in this folder')
      .option('--data-dir <folder>', 'where the data is kept (default: .postern)', notEmpty),
  ).action(remember('dev'));

  common(
    program
      .command('serve')
      .description('open the gate in front of any Postgres')
      .option('--database-url <url>', 'postgres://user:password@host:5432/database (or DATABASE_URL)'),
  ).action(remember('serve'));
  addKeysCommands(program, (asked) => {
    invocation = asked;
  });

  try {
    if (argv.length === 0) program.outputHelp();
    else program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    // A group of commands, and none of them named.
    if (error.code === 'commander.help') throw new UsageError(`say what to do; see postern ${argv[0]} --help`);
    const command = program.commands.find((each) => each.name() === argv[0]);
    const help = command === undefined ? 'postern --help' : `postern ${command.name()} --help`;
    throw new UsageError(`${oneLine(error.message)}; see ${help}`);
  }
  return invocation;
}

/** An empty one is a variable of the shell that was not set; it would mean the current folder. */
function notEmpty(folder: string): string {
  if (folder === '') throw new UsageError('--data-dir: expected a folder');
  return folder;
}

function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()
    .replace(/\.$/, '');
}

const helpAfter = `
Every option of serve but --config can also be written into postern.json or set as an environment variable: --pool-size is
"poolSize" and POSTERN_POOL_SIZE. A flag wins over the variable, the variable over the file.

Examples:
  postern dev
  postern serve --database-url postgres://app:secret@db.example.com:5432/app
  postern keys create --name web --plan pro
  postern serve --http 0.0.0.0:8080 --tcp 0.0.0.0:5432 --tls-cert cert.pem --tls-key key.pem`;
