/**
 * Random conversations: what three sessions might send, sense and nonsense.
 *
 * A session touches only objects of its own (named after it) and shared read-only ones. So what it must see does not
 * depend on the other two, however they are interleaved, and each trace can be judged alone.
 */
import { createMessageReader } from '../harness/backend-message.ts';
import {
  bind,
  bytes,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  functionCall,
  int32,
  message,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Random } from './random.ts';
import { sql } from './sql-forms.ts';

export interface Step {
  readonly session: string;
  /** The step as one would write it in a script. */
  readonly label: string;
  readonly messages: Uint8Array;
  /** The session cancels what it has just sent. */
  readonly isCancelled?: boolean;
  /** The session leaves, with or without a goodbye, and comes back with these start-up parameters. */
  /** Somebody else sends this, and is gone before it is answered. Postgres is not asked what that comes to. */
  readonly passing?: { readonly afterMs: number; readonly isCancelled: boolean; readonly isPolite: boolean };
  readonly returns?: { readonly isPolite: boolean; readonly parameters: Readonly<Record<string, string>> };
}

export const SESSIONS: readonly string[] = ['A', 'B', 'C'];

/** Those who are gone before they are answered: nobody else must notice. */
const PASSING = 'D';

/** Everything the sessions expect to find in the database. */
export const PROPERTY_SETUP: string = [
  `CREATE TABLE items AS SELECT i AS n, 'permanent ' || i AS kind FROM generate_series(1, 5) i`,
  'GRANT SELECT ON items TO script_role',
  `CREATE FUNCTION change(zone text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('TimeZone', zone, false); PERFORM set_config('work_mem', '222kB', false); RETURN zone; END $$`,
  ...[...SESSIONS, PASSING].map((session) => {
    const own = session.toLowerCase();
    return `CREATE TABLE t_${own} (n int CHECK (n < 90)); CREATE SEQUENCE seq_${own};
      CREATE PROCEDURE steps_${own}(n int) LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.t_${own} VALUES (n); COMMIT; INSERT INTO public.t_${own} VALUES (n + 40); END $$;
      CREATE FUNCTION tries_${own}(n int) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.t_${own} VALUES (n + 50); RETURN 'fine';
        EXCEPTION WHEN check_violation THEN PERFORM set_config('work_mem', '999kB', false); RETURN 'caught'; END $$`;
  }),
].join(';\n');

/** Puts the permanent objects back between two conversations. */
export const PROPERTY_RESET: string = [...SESSIONS, PASSING]
  .map((session) => {
    const own = session.toLowerCase();
    return `TRUNCATE t_${own}; ALTER SEQUENCE seq_${own} RESTART; DROP TABLE IF EXISTS made_${own};`;
  })
  .join('\n');

type Part = readonly [label: string, bytes: Uint8Array];

const quote = (text: string): string => JSON.stringify(text);

/** One frontend message, or a group that usually goes together. */
function part(session: string, random: Random): Part {
  const statement = random.pick(['', '', 's1', 's2']);
  // A statement that runs itself does so until the stack is used up, and one that deallocates itself while it runs is a risk.
  const drawn = sql(session, random);
  const isOwnName = statement !== '' && new RegExp(`(PREPARE|EXECUTE|DEALLOCATE) ${statement}\\b`).test(drawn);
  const text = isOwnName ? 'SELECT 1' : drawn;
  const second = sql(session, random);
  const portal = random.pick(['', '', 'p1']);
  const maxRows = random.pick([0, 0, 1, 2]);
  const values = random.pick([[], [], ['7'], ['x']]);
  const table = `public.t_${session.toLowerCase()}`;
  const copyIn = `COPY ${table} FROM STDIN`;
  const formats = random.pick([[], [], [1]]);
  return random.pick<Part>([
    [`query(${quote(text)})`, query(text)],
    [`query(${quote(text)})`, query(text)],
    [`extended(${quote(text)})`, extended(text)],
    [`extended(${quote(text)}), sync()`, bytes(extended(text), sync())],
    [`extended(${quote(text)}), sync()`, bytes(extended(text), sync())],
    [`parse('${statement}', ${quote(text)})`, parse(statement, text)],
    [`parse('${statement}', 'SELECT $1::int'), sync()`, bytes(parse(statement, 'SELECT $1::int'), sync())],
    [
      `bind({ portal: '${portal}', statement: '${statement}', values: ${JSON.stringify(values)} }), execute('${portal}', ${maxRows})`,
      bytes(bind({ portal, statement, values }), execute(portal, maxRows)),
    ],
    [
      `bind({ statement: '${statement}', values: ${JSON.stringify(values)} }), execute(), sync()`,
      bytes(bind({ statement, values }), execute(), sync()),
    ],
    [
      `parse('${statement}', ${quote(text)}, [23]), describeStatement('${statement}'), flush()`,
      bytes(parse(statement, text, [23]), describeStatement(statement), flush()),
    ],
    [
      `bind({ portal: '${portal}', statement: '${statement}', values: ${JSON.stringify(values)}, resultFormats: ${JSON.stringify(formats)} }), describePortal('${portal}'), execute('${portal}', ${maxRows}), flush()`,
      bytes(
        bind({ portal, statement, values, resultFormats: formats }),
        describePortal(portal),
        execute(portal, maxRows),
        flush(),
      ),
    ],
    // Longer than what is looked at whole.
    [
      `bind({ statement: '${statement}', values: ['7'.padStart(20_000)] }), execute(), sync()`,
      bytes(bind({ statement, values: ['7'.padStart(20_000)] }), execute(), sync()),
    ],
    [`describeStatement('${statement}')`, describeStatement(statement)],
    [`describePortal('${portal}')`, describePortal(portal)],
    [`execute('${portal}', ${maxRows})`, execute(portal, maxRows)],
    [`closeStatement('${statement}')`, closeStatement(statement)],
    [`closePortal('${portal}')`, closePortal(portal)],
    ['sync()', sync()],
    ['sync()', sync()],
    ['flush()', flush()],
    [`query('${copyIn}'), copyData('7\\n'), copyDone()`, bytes(query(copyIn), copyData('7\n'), copyDone())],
    [`query('${copyIn}'), copyData('bad\\n'), copyDone()`, bytes(query(copyIn), copyData('bad\n'), copyDone())],
    [`query('${copyIn}'), copyFail('no')`, bytes(query(copyIn), copyFail('no'))],
    [
      `parse('', '${copyIn}'), bind(), execute(), copyData('8\\n'), copyDone(), sync()`,
      bytes(parse('', copyIn), bind(), execute(), copyData('8\n'), copyDone(), sync()),
    ],
    [
      `parse('', '${copyIn}'), bind(), execute(), sync(), copyData('bad\\n'), copyDone(), sync()`,
      bytes(parse('', copyIn), bind(), execute(), sync(), copyData('bad\n'), copyDone(), sync()),
    ],
    [
      `query('${copyIn}'), copyData('7\\n'), sync(), copyData('bad\\n'), sync(), copyDone()`,
      bytes(query(copyIn), copyData('7\n'), sync(), copyData('bad\n'), sync(), copyDone()),
    ],
    [
      `parse('', '${copyIn}'), bind(), execute(), flush(), copyData('bad\\n'), sync(), copyData('7\\n'), copyDone(), sync()`,
      bytes(
        parse('', copyIn),
        bind(),
        execute(),
        flush(),
        copyData('bad\n'),
        sync(),
        copyData('7\n'),
        copyDone(),
        sync(),
      ),
    ],
    ...(random.chance(0.2) ? [[`query('${copyIn}')`, query(copyIn)] as Part] : []),
    ['copyData("stray\\n")', copyData('stray\n')],
    ['copyDone()', copyDone()],
    ['functionCall(177, ["1", "2"])', functionCall(177, ['1', random.pick(['2', 'x'])])],
    // pg_advisory_lock, pg_advisory_unlock, set_config, pg_notify
    [`functionCall(2880, ['${session.charCodeAt(0)}'])`, functionCall(2880, [String(session.charCodeAt(0))])],
    [`functionCall(2884, ['${session.charCodeAt(0)}'])`, functionCall(2884, [String(session.charCodeAt(0))])],
    [`functionCall(2078, ['work_mem', '333kB', 'f'])`, functionCall(2078, ['work_mem', '333kB', 'f'])],
    [
      `functionCall(3036, ['ch_${session.toLowerCase()}', 'by F'])`,
      functionCall(3036, [`ch_${session.toLowerCase()}`, 'by F']),
    ],
    [
      `extended(${quote(text)}), extended('SELECT 1/0'), extended('SELECT 2'), sync(), extended('SELECT 3'), sync()`,
      bytes(extended(text), extended('SELECT 1/0'), extended('SELECT 2'), sync(), extended('SELECT 3'), sync()),
    ],
    [`extended(${quote(text)}), extended(${quote(second)}), sync()`, bytes(extended(text), extended(second), sync())],
    [
      `extended('BEGIN'), sync(), extended(${quote(text)}), sync(), extended(${quote(second)}), sync(), extended('COMMIT'), sync()`,
      bytes(extended('BEGIN'), sync(), extended(text), sync(), extended(second), sync(), extended('COMMIT'), sync()),
    ],
    [
      `query(${quote(text)}), query(${quote(second)}), query('SELECT 9')`,
      bytes(query(text), query(second), query('SELECT 9')),
    ],
    [
      `parse('', 'SELECT * FROM generate_series(1, 5)'), bind({ portal: '${portal}' }), execute('${portal}', 2), flush()`,
      bytes(parse('', 'SELECT * FROM generate_series(1, 5)'), bind({ portal }), execute(portal, 2), flush()),
    ],
    [`execute('${portal}', 2), flush()`, bytes(execute(portal, 2), flush())],
    [
      `parse('', 'SELECT 1'), bind(), parse('', ${quote(text)}), execute(), bind(), execute(), sync()`,
      bytes(parse('', 'SELECT 1'), bind(), parse('', text), execute(), bind(), execute(), sync()),
    ],
    [
      `closeStatement('${statement}'), parse('${statement}', ${quote(text)}), describeStatement('${statement}'), sync()`,
      bytes(closeStatement(statement), parse(statement, text), describeStatement(statement), sync()),
    ],
    [
      `parse('${statement}', 'SELECT $1::int + 1', [23]), bind({ statement: '${statement}', parameterFormats: [1], values: [int32(${maxRows})], resultFormats: [1] }), execute(), sync()`,
      bytes(
        parse(statement, 'SELECT $1::int + 1', [23]),
        bind({ statement, parameterFormats: [1], values: [int32(maxRows)], resultFormats: [1] }),
        execute(),
        sync(),
      ),
    ],
    [
      `parse('', 'SELECT set_config($1, $2, $3)'), bind({ values: ['TimeZone', 'Asia/Tokyo', 'false'] }), execute(), sync()`,
      bytes(
        parse('', 'SELECT set_config($1, $2, $3)'),
        bind({ values: ['TimeZone', 'Asia/Tokyo', 'false'] }),
        execute(),
        sync(),
      ),
    ],
    ["message('B', bytes('garbage'))", message('B', bytes('garbage'))],
    ["message('D', bytes('X', 0))", message('D', bytes('X', 0))],
    ["message('C', bytes('S'))", message('C', bytes('S'))],
    ["message('Q', bytes('SELECT 1'))", message('Q', bytes('SELECT 1'))],
    ["message('Q', bytes('SELECT 1', 0, 'x'))", message('Q', bytes('SELECT 1', 0, 'x'))],
    ["message('P', bytes('s1', 0, 'SELECT 1', 0, 0))", message('P', bytes('s1', 0, 'SELECT 1', 0, 0))],
    ["message('E', bytes('', 0, 0))", message('E', bytes('', 0, 0))],
    ["message('F', bytes(0, 0))", message('F', bytes(0, 0))],
    ["message('S', bytes(1))", message('S', bytes(1))],
    [`execute('${portal}', -1)`, execute(portal, -1)],
    ...(random.chance(0.05) ? [['message("y")', message('y')] as Part] : []),
  ]);
}

/** Start-up parameters of a session that comes back. */
function startUp(random: Random): Record<string, string> {
  const n = random.below(100);
  return random.pick<Record<string, string>>([
    {},
    { application_name: `came ${n}` },
    { options: `-c work_mem=${n + 64}kB -c own.value=${n}` },
    { DateStyle: 'German', TimeZone: 'America/Lima' },
    { search_path: 'noisy, public' },
    { client_encoding: 'LATIN1' },
    { extra_float_digits: '0', statement_timeout: '8000' },
    { default_transaction_read_only: 'on' },
    { options: '-c role=script_role' },
    { standard_conforming_strings: 'off' },
  ]);
}

/** Whether extended-protocol messages are still without their Sync after these bytes. */
function isUnsyncedAfter(wasUnsynced: boolean, sent: Uint8Array): boolean {
  return createMessageReader()
    .push(sent)
    .reduce((isOpen, { type }) => ('SQF'.includes(type) ? false : isOpen || 'PBDEC'.includes(type)), wasUnsynced);
}

/**
 * A random conversation of `count` steps.
 *
 * Query and FunctionCall behind messages without Sync are rare: followed by Sync they leave Postgres 18 in a state where
 * its next command fails with XX000 (see pipeline-query-before-sync in scripts/), which hides everything after it.
 */
export function generateSteps(random: Random, count: number): Step[] {
  const unsynced = new Map<string, boolean>();
  return Array.from({ length: count }, () => {
    const session = random.pick(SESSIONS);
    if (random.chance(0.15)) {
      const parts = Array.from({ length: 1 + random.below(3) }, () => part(PASSING, random));
      const whole = bytes(...parts.map(([, sent]) => sent));
      const count = random.chance(0.5) ? whole.length : 1 + random.below(whole.length);
      const passing = { afterMs: random.below(6), isCancelled: random.chance(0.2), isPolite: random.chance(0.3) };
      const label = `passing(${parts.map(([label]) => label).join(', ')}; ${count} of ${whole.length} bytes, ${JSON.stringify(passing)})`;
      return { session: PASSING, label, messages: whole.subarray(0, count), passing };
    }
    if (random.chance(0.04)) {
      unsynced.set(session, false);
      const isPolite = random.chance(0.5);
      const parameters = startUp(random);
      const label = `returns(${isPolite ? 'after Terminate' : 'after a reset'}, ${JSON.stringify(parameters)})`;
      return { session, label, messages: bytes(), returns: { isPolite, parameters } };
    }
    if (random.chance(0.04)) {
      // Nothing is answered before it has slept, so that it does not matter whether it was cancelled in the queue.
      const label = `query('DO $$ BEGIN PERFORM pg_sleep(20); END $$'), cancel`;
      unsynced.set(session, false);
      return { session, label, messages: query('DO $$ BEGIN PERFORM pg_sleep(20); END $$'), isCancelled: true };
    }
    const chosen = Array.from({ length: 1 + (random.chance(0.3) ? random.below(3) : 0) }, () => part(session, random));
    const parts = chosen.flatMap<Part>((next) => {
      const wasUnsynced = unsynced.get(session) ?? false;
      unsynced.set(session, isUnsyncedAfter(wasUnsynced, next[1]));
      const needsSync = wasUnsynced && 'QF'.includes(String.fromCharCode(next[1][0]!)) && random.chance(0.97);
      return needsSync ? [['sync()', sync()], next] : [next];
    });
    return {
      session,
      label: parts.map(([label]) => label).join(', '),
      messages: bytes(...parts.map(([, sent]) => sent)),
    };
  });
}

/** What every session sends last, so that all of it is answered and nothing stays open. */
export const FAREWELL: Uint8Array = bytes(copyFail('farewell'), sync(), query('ROLLBACK'), query(`SELECT 'farewell'`));
