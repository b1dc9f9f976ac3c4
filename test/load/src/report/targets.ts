// What has been promised, as ratios of figures of one run (issue "Speed", "Must hold").
import type { ContenderResult, ScenarioResult } from '../run-scenario.ts';
import { postern, posternOneByOne } from '../scenarios/scenario.ts';

export interface Judgement {
  readonly text: string;
  readonly value: number;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly isMet: boolean;
}

interface Target {
  readonly text: string;
  readonly bound: Judgement['bound'];
  /** Undefined when the run does not have the figures. */
  value(results: Results): number | undefined;
}

/** Figures by scenario and contender. */
export interface Results {
  of(scenario: string, contender: string): ContenderResult | undefined;
  fact(scenario: string, name: string): number | undefined;
}

type Figure = (contender: ContenderResult) => number | undefined;
type Place = readonly [scenario: string, contender: string];

const rate: Figure = (contender) => contender.rate;
const cpu: Figure = (contender) => contender.cpuMicrosPerOperation;
const p99: Figure = (contender) => contender.latency?.p99Ms;

const ratio =
  (figure: Figure, one: Place, other: Place): Target['value'] =>
  (results) => {
    const [above, below] = [results.of(...one), results.of(...other)].map((found) => found && figure(found));
    return above === undefined || below === undefined ? undefined : above / below;
  };

const tcp: Place = ['tcp-extended-64', postern];
const tcpAlone: Place = ['tcp-extended-64', posternOneByOne];
const tcpPeer: Place = ['tcp-extended-64', 'pgbouncer'];
const ws: Place = ['ws-extended-64', postern];
const large: Place = ['large-result', postern];
const largePeer: Place = ['large-result', 'pgbouncer'];
const sql = (name: string): [Place, Place] => [
  [name, postern],
  [name, 'hono + node-postgres'],
];

const targets: readonly Target[] = [
  { text: 'TCP, 64: rate / pgbouncer', bound: { atLeast: 1 }, value: ratio(rate, tcp, tcpPeer) },
  { text: 'TCP, 64, one by one: rate / pgbouncer', bound: { atLeast: 0.9 }, value: ratio(rate, tcpAlone, tcpPeer) },
  { text: 'TCP, 64, one by one: CPU / pgbouncer', bound: { atMost: 1.3 }, value: ratio(cpu, tcpAlone, tcpPeer) },
  { text: 'TCP, 64: p99 / pgbouncer', bound: { atMost: 1 }, value: ratio(p99, tcp, tcpPeer) },
  {
    text: 'WebSocket, 64: rate / websockify',
    bound: { atLeast: 2 },
    value: ratio(rate, ws, ['ws-extended-64', 'websockify']),
  },
  {
    text: 'WebSocket, 64: rate / pgbouncer over TCP',
    bound: { atLeast: 0.9 },
    value: ratio(rate, ws, ['ws-extended-64', 'pgbouncer over TCP']),
  },
  {
    text: 'WebSocket, 64: rate / postern over TCP',
    bound: { atLeast: 0.9 },
    value: ratio(rate, ws, ['ws-extended-64', 'postern over TCP']),
  },
  { text: '/sql, one row: rate / hono + pg', bound: { atLeast: 4 }, value: ratio(rate, ...sql('sql-1')) },
  { text: '/sql, one row: CPU per request / hono + pg', bound: { atMost: 0.25 }, value: ratio(cpu, ...sql('sql-1')) },
  { text: '/sql, 100 rows: rate / hono + pg', bound: { atLeast: 2.5 }, value: ratio(rate, ...sql('sql-100')) },
  { text: '/sql, 10 000 rows: rate / hono + pg', bound: { atLeast: 3 }, value: ratio(rate, ...sql('sql-10000')) },
  {
    text: 'TCP: rate of 500 callers / of 64',
    bound: { atLeast: 0.9 },
    value: ratio(rate, ['tcp-extended-500', postern], tcp),
  },
  {
    text: 'TCP, 500: longest wait / median',
    bound: { atMost: 3 },
    value: (results) => {
      const latency = results.of('tcp-extended-500', postern)?.latency;
      return latency && latency.maxMs / latency.p50Ms;
    },
  },
  ...(
    [
      ['TCP', 7],
      ['TLS', 40],
      ['WebSocket', 8],
    ] as const
  ).map(
    ([name, atMost]): Target => ({
      text: `${name}: kB per idle caller`,
      bound: { atMost },
      value: (results) => results.of('idle', name)?.rate,
    }),
  ),
  ...['TCP', 'TLS', 'WebSocket'].map(
    (name): Target => ({
      text: `${name}: 10 000 callers at once, answered`,
      bound: { atLeast: 10_000 },
      value: (results) => results.fact('idle', `${name}: each asks at once, answered`),
    }),
  ),
  { text: '1.3 MB result: MB/s / pgbouncer', bound: { atLeast: 1 }, value: ratio(rate, large, largePeer) },
  { text: '1.3 MB result: CPU / pgbouncer', bound: { atMost: 1 }, value: ratio(cpu, large, largePeer) },
  {
    text: '50 000 rows to the driver / in 1 KiB frames',
    bound: { atLeast: 3 },
    value: ratio(rate, ['driver-rows', postern], ['driver-rows', 'in frames of 1 KiB']),
  },
];

/** Every promise the run has figures for. */
export function judge(results: readonly ScenarioResult[]): Judgement[] {
  const byName = new Map(results.map((result) => [result.name, result]));
  const figures: Results = {
    of: (scenario, contender) => byName.get(scenario)?.contenders.find(({ name }) => name === contender),
    fact: (scenario, name) => byName.get(scenario)?.facts.find((fact) => fact.name === name)?.value,
  };
  return targets.flatMap(({ text, bound, value: compute }) => {
    const value = compute(figures);
    if (value === undefined || Number.isNaN(value)) return [];
    const isMet = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
    return [{ text, value, bound, isMet }];
  });
}
