/**
 * The noisy neighbour: another session on the same pool that changes every kind of session state between the messages
 * of a script. Nothing it does may show in the script's trace, and nothing of the script may show in its own state.
 */
import type { Caller } from './caller.ts';
import { bind, bytes, copyData, copyFail, execute, flush, parse, query, sync } from './frontend-message.ts';
import { reportFields } from './trace-line.ts';

interface Act {
  readonly name: string;
  readonly messages: Uint8Array;
  /** ReadyForQuery it must get, whatever the outcome. */
  readonly readies: number;
  /** `work_mem` of the neighbour afterwards, when the act changes it. */
  readonly workMem?: string;
}

const act = (name: string, sqls: readonly string[], workMem?: string): Act => ({
  name,
  messages: bytes(...sqls.map(query)),
  readies: sqls.length,
  ...(workMem === undefined ? {} : { workMem }),
});

const ACTS: readonly Act[] = [
  act(
    'settings',
    [
      `SET DateStyle = 'German, DMY'; SET IntervalStyle = sql_standard; SET TimeZone = 'Asia/Tokyo'; SET search_path = noisy;
       SET work_mem = '1234kB'; SET extra_float_digits = -3; SET bytea_output = escape; SET application_name = 'noisy';
       SET client_min_messages = error; SET standard_conforming_strings = off; SET statement_timeout = '7654s';
       SET array_nulls = off; SET lc_monetary = 'C'; SET noisy.marker = 'mine'`,
    ],
    '1234kB',
  ),
  act('clashing statements', [`PREPARE s1 AS SELECT 'noise'`, `PREPARE s2 (text) AS SELECT $1 || ' noise'`]),
  { name: 'clashing unnamed statement', messages: bytes(parse('', `SELECT 'noise'`), sync()), readies: 1 },
  { name: 'clashing parse', messages: bytes(parse('s1', `SELECT 'noise'`), bind(), sync()), readies: 1 },
  act('role', ['SET ROLE noisy_role']),
  act('read only', ['SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY']),
  act('failed transaction', ['BEGIN', 'SAVEPOINT a', 'SELECT 1/0', `SELECT 'ignored'`, 'ROLLBACK TO a', 'COMMIT']),
  { name: 'failed pipeline', messages: bytes(parse('', 'SELEC 1'), bind(), execute(), flush(), sync()), readies: 1 },
  act('everything back', ['DISCARD ALL'], '4MB'),
  act('sequence', [`SELECT nextval('noisy.seq')`]),
  act('settings from inside a function', ['SELECT noisy.leak()'], '2345kB'),
  act('authorization', ['SET SESSION AUTHORIZATION noisy_role']),
  act('authorization back', ['RESET SESSION AUTHORIZATION']),
  {
    name: 'failed copy',
    messages: bytes(query('COPY noisy.sink FROM STDIN'), copyData('noise\n'), copyFail('changed my mind')),
    readies: 1,
  },
  act('listen', ['LISTEN news', 'LISTEN jobs', `NOTIFY gossip, 'noise'`]),
  act('unlisten', ['UNLISTEN *']),
  act('temporary table', ['CREATE TEMP TABLE items (noise int)', 'CREATE TEMP TABLE scratch (noise int)']),
  act('temporary table back', ['DROP TABLE pg_temp.items, pg_temp.scratch']),
  act('advisory lock', ['SELECT pg_advisory_lock(987654)']),
  act('advisory lock back', ['SELECT pg_advisory_unlock_all()']),
  act('cursor with hold', [`DECLARE c1 CURSOR WITH HOLD FOR SELECT 'noise'`]),
  act('cursor back', ['CLOSE ALL']),
  act('seed', ['SELECT setseed(0.42)']),
  act('everything back again', ['DISCARD ALL'], '4MB'),
];

export interface Neighbour {
  /** Starts the next act unless one is still waiting for a connection. Does not wait. */
  start(): void;
  /** Waits for the running act, but not longer than `limitMs`: the script may hold the only connection. */
  settle(limitMs: number): Promise<void>;
  /** Names of the acts so far, the one that is not over yet included. */
  readonly acts: readonly string[];
  /** Acts completed. */
  readonly completed: number;
  /** What the neighbour saw that a session of its own would not have seen. */
  readonly faults: readonly string[];
}

/** `offset` chooses the first act, so that each script meets a different order; those in `without` are left out. */
export function createNeighbour(caller: Caller, offset: number, without: readonly string[] = []): Neighbour {
  const repertoire = ACTS.filter(({ name }) => !without.includes(name));
  let next = offset % repertoire.length;
  let workMem = '4MB';
  let completed = 0;
  let running: Promise<void> | undefined;
  const faults: string[] = [];
  const acts: string[] = [];

  async function play(current: Act): Promise<void> {
    const from = caller.received.length;
    await caller.send(current.messages, query('SHOW work_mem'));
    await caller.ready(current.readies + 1);
    workMem = current.workMem ?? workMem;
    const answers = caller.received.slice(from);
    const shown = answers.findLast((found) => found.type === 'D')?.body.toString('utf8', 6);
    if (shown !== workMem) faults.push(`after "${current.name}": work_mem is ${shown}, should be ${workMem}`);
    const readies = answers.filter((found) => found.type === 'Z').length;
    if (readies !== current.readies + 1) faults.push(`after "${current.name}": ${readies} ReadyForQuery`);
    for (const found of answers) {
      const fields = found.type === 'E' ? reportFields(found.body) : undefined;
      const severity = fields?.get('V');
      if (severity === 'FATAL') faults.push(`during "${current.name}": FATAL ${fields?.get('C')} ${fields?.get('M')}`);
    }
    completed += 1;
  }

  return {
    start() {
      if (running !== undefined || caller.isClosed) return;
      const current = repertoire[next]!;
      next = (next + 1) % repertoire.length;
      acts.push(current.name);
      running = play(current)
        .catch((error: unknown) => void faults.push(`during "${current.name}": ${String(error)}`))
        .finally(() => {
          running = undefined;
        });
    },
    async settle(limitMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      await Promise.race([running, limit]);
      clearTimeout(timer);
    },
    get completed() {
      return completed;
    },
    acts,
    faults,
  };
}
