// pgbench as the caller: it is written in C, so more of the machine is left for what is measured.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Meter } from '../measure/meter.ts';
import { summarizeLatency } from '../measure/statistics.ts';
import { sleep, startProcess } from '../processes/running-process.ts';
import type { FleetCount } from './fleet.ts';

export interface PgbenchOptions {
  readonly pgbench: string;
  /** Where its files go. */
  readonly folder: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** `options=` of the connection string. */
  readonly connectionOptions?: string | undefined;
  readonly script: string;
  readonly protocol: 'simple' | 'extended';
  readonly callers: number;
  readonly measureMs: number;
}

/**
 * Counted from before the callers connect, so it is only the end of a bench that hangs. Normally SIGALRM ends the run:
 * to pgbench its own alarm clock, upon which all finish their transaction.
 */
const longestSeconds = 120;

export async function runPgbench(options: PgbenchOptions, meter: Meter): Promise<FleetCount> {
  const folder = mkdtempSync(join(options.folder, 'pgbench-'));
  try {
    return await runIn(folder, options, meter);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, options: PgbenchOptions, meter: Meter): Promise<FleetCount> {
  const { callers, port, user, measureMs } = options;
  writeFileSync(join(folder, 'script.sql'), options.script);
  const words = [`host=127.0.0.1 port=${port} user=${user} dbname=postgres sslmode=disable`];
  if (options.connectionOptions) words.push(`options='${options.connectionOptions}'`);
  const running = startProcess(
    options.pgbench,
    [
      ...['-n', '-M', options.protocol, '-f', 'script.sql', '-c', String(callers)],
      ...['-j', callers >= 64 ? '2' : '1', '-P', '1', '-l', '--log-prefix', 'transactions'],
      ...['-T', String(longestSeconds), words.join(' ')],
    ],
    { cwd: folder, env: { PATH: process.env.PATH, PGPASSWORD: options.password } },
  );
  let output = '';
  const reported = new Promise<void>((resolve) => {
    running.child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.includes('progress:')) resolve();
    });
  });
  const ended = running.exited.then((status) => {
    if (status !== 0) throw new Error(`pgbench ended with status ${status}:\n${output.slice(-2000)}`);
  });
  // The first report comes when all have been connected for a second: that was the warm-up.
  await Promise.race([reported, ended]);
  const from = Date.now();
  meter.begin();
  await Promise.race([sleep(measureMs), ended]);
  meter.end();
  const to = Date.now();
  running.child.kill('SIGALRM');
  await ended;
  return countTransactions(
    readdirSync(folder)
      .filter((name) => name.startsWith('transactions'))
      .map((name) => readFileSync(join(folder, name), 'latin1')),
    from,
    to,
  );
}

/** Transactions that ended between two moments (milliseconds since 1970), from pgbench's own logs. */
export function countTransactions(logs: readonly string[], from: number, to: number): FleetCount {
  const waits: number[] = [];
  for (const log of logs) {
    for (const line of log.split('\n')) {
      // client_id transaction_no time script_no time_epoch time_us
      const [, , micros, , seconds, fraction] = line.split(' ');
      if (fraction === undefined) continue;
      const endedAt = Number(seconds) * 1000 + Number(fraction) / 1000;
      if (endedAt >= from && endedAt < to) waits.push(Number(micros) / 1000);
    }
  }
  return { operations: waits.length, bytes: 0, latency: summarizeLatency(Float64Array.from(waits)) };
}
