import { parseArgs } from 'node:util';
import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** What was asked for on the command line. */
export type Invocation = { readonly verb: 'help' } | { readonly verb: 'list' } | Performance;

/** What takes time. */
export type Performance =
  | ({ readonly verb: 'bench'; readonly scenarios: readonly Scenario[]; readonly rounds: number } & Common)
  | ({ readonly verb: 'profile'; readonly scenario: Scenario; readonly top: number; readonly folder: string } & Common);

interface Common {
  readonly seconds: number;
  readonly poolSize: number;
  readonly maxForeignShare: number;
  readonly json: string | undefined;
  readonly posternOnly: boolean;
  readonly program: string | undefined;
}

export const usage = `npm run bench -- [options]
npm run profile -- SCENARIO [options]

  --only NAMES       scenarios or groups of them, separated by commas: sql,tcp,ws-extended-64
  --rounds N         rounds that count (default 5)
  --seconds S        length of one sample (default 0.8, of a profile 5); wrk needs 1 at least
  --max-foreign S    discard a round in which others used more than this share of the machine (default 0.1)
  --pool-size N      server connections of every contender (default 20)
  --json FILE        write all figures there, too ("-": to standard output instead of the table)
  --postern-only     measure only the gateway
  --program FILE     measure another build: its bin/postern.js; this one is not built then
  --no-build         take program and bench as they were built last
  --top N            profile: functions to print (default 25)
  --folder DIR       profile: where the .cpuprofile goes (default: the working directory)
  --list             print the scenarios
`;

/** Throws an Error with one line for people. */
export function parseCommandLine(argv: readonly string[]): Invocation {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      'max-foreign': { type: 'string', default: '0.1' },
      'pool-size': { type: 'string', default: '20' },
      json: { type: 'string' },
      'postern-only': { type: 'boolean', default: false },
      program: { type: 'string' },
      top: { type: 'string', default: '25' },
      folder: { type: 'string', default: '.' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { verb: 'help' };
  if (values.list) return { verb: 'list' };
  const isProfile = positionals[0] === 'profile';
  const common: Common = {
    seconds: positive('seconds', values.seconds ?? (isProfile ? '5' : '0.8')),
    poolSize: positive('pool-size', values['pool-size']),
    maxForeignShare: positive('max-foreign', values['max-foreign']),
    json: values.json,
    posternOnly: values['postern-only'] || isProfile,
    program: values.program,
  };
  if (!isProfile) {
    if (positionals.length > 0) throw new Error(`unexpected ${positionals[0]}; see npm run bench -- --help`);
    return { verb: 'bench', scenarios: select(values.only), rounds: positive('rounds', values.rounds), ...common };
  }
  const scenario = scenarios.find(({ name }) => name === positionals[1]);
  if (!scenario) throw new Error(`which scenario? One of: ${scenarios.map(({ name }) => name).join(', ')}`);
  return { verb: 'profile', scenario, top: positive('top', values.top), folder: values.folder, ...common };
}

/** `tcp` means all whose name begins with `tcp-`. */
function select(only: string | undefined): readonly Scenario[] {
  if (only === undefined) return scenarios;
  const wanted = only.split(',');
  const unknown = wanted.find((word) => !scenarios.some((scenario) => matches(scenario, word)));
  if (unknown !== undefined) throw new Error(`no scenario is called ${unknown}; see npm run bench -- --list`);
  return scenarios.filter((scenario) => wanted.some((word) => matches(scenario, word)));
}

function matches({ name }: Scenario, word: string): boolean {
  return name === word || name.startsWith(`${word}-`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is ${JSON.stringify(text)}; a number above 0 is expected`);
  return value;
}
