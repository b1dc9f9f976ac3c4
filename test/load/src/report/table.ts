// Results for people.
import type { ContenderResult, ScenarioResult } from '../run-scenario.ts';
import type { Judgement } from './targets.ts';

const columns = ['', 'median', 'spread', 'ratio', 'CPU µs', 'p50 ms', 'p99 ms', 'max ms'];
const nameWidth = 28;
const width = 10;

/** One scenario: a line per contender; ratios are to the first. */
export function scenarioTable(result: ScenarioResult): string {
  const [first] = result.contenders;
  const remarks = [
    result.noisyRounds > 0 ? `${result.noisyRounds} noisy rounds` : '',
    result.discardedRounds > 0 ? `${result.discardedRounds} discarded` : '',
  ].filter((remark) => remark !== '');
  return [
    `${result.title}${remarks.length > 0 ? `   [${remarks.join(', ')}]` : ''}`,
    row([result.unit, ...columns.slice(1)]),
    ...result.contenders.map((contender) => row(cells(contender, first!))),
    ...result.facts.map(({ name, value, unit }) => `  ${name}: ${shown(value)} ${unit}`),
    '',
  ].join('\n');
}

function cells(contender: ContenderResult, first: ContenderResult): string[] {
  const { name, rate, spread, cpuMicrosPerOperation: cpu, latency } = contender;
  return [
    name,
    shown(rate),
    `${Math.round(spread * 100)} %`,
    (first.rate / rate).toFixed(2),
    cpu === undefined ? '' : shown(cpu),
    ...(latency ? [latency.p50Ms, latency.p99Ms, latency.maxMs].map(shown) : []),
  ];
}

function row([name, ...rest]: readonly string[]): string {
  return `  ${name!.padEnd(nameWidth)}${rest.map((cell) => cell.padStart(width)).join('')}`;
}

/** The promises, met or not. */
export function judgementTable(judgements: readonly Judgement[]): string {
  return judgements
    .map(({ text, value, bound, isMet }) => {
      const wanted = 'atLeast' in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
      return `  ${isMet ? 'met   ' : 'MISSED'}  ${text.padEnd(48)}${shown(value).padStart(width)}   ${wanted}`;
    })
    .join('\n');
}

function shown(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value
    .toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replaceAll(',', ' ');
}
