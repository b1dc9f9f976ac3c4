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
  message,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Random } from './random.ts';

export interface Step {
  readonly session: string;
  /** The step as one would write it in a script. */
  readonly label: string;
  readonly messages: Uint8Array;
}

export const SESSIONS: readonly string[] = ['A', 'B', 'C'];

/** Everything the sessions expect to find in the database. */
export const PROPERTY_SETUP: string = [
  `CREATE TABLE items AS SELECT i AS n, 'permanent ' || i AS kind FROM generate_series(1, 5) i`,
  'GRANT SELECT ON items TO script_role',
  `CREATE FUNCTION change(zone text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('TimeZone', zone, false); PERFORM set_config('work_mem', '222kB', false); RETURN zone; END $$`,
  ...SESSIONS.map((session) => {
    const own = session.toLowerCase();
    return `CREATE TABLE t_${own} (n int CHECK (n < 90)); CREATE SEQUENCE seq_${own}`;
  }),
].join(';\n');

/** Puts the permanent objects back between two conversations. */
export const PROPERTY_RESET: string = SESSIONS.map((session) => {
  const own = session.toLowerCase();
  return `TRUNCATE t_${own}; ALTER SEQUENCE seq_${own} RESTART; DROP TABLE IF EXISTS made_${own};`;
}).join('\n');

/** SQL a session may run; `random` fills in what varies. */
function sql(session: string, random: Random): string {
  const own = session.toLowerCase();
  const lock = session.charCodeAt(0);
  const n = random.below(100);
  const statement = random.pick(['s1', 's2']);
  const setting = random.pick([
    `work_mem = '${100 + n}kB'`,
    `application_name = 'name ${n}'`,
    `DateStyle = '${random.pick(['ISO, DMY', 'ISO, MDY', 'German', 'SQL, DMY'])}'`,
    `TimeZone = '${random.pick(['UTC', 'Asia/Tokyo', 'America/Lima'])}'`,
    `search_path = ${random.pick(['noisy', 'public', '"$user", public', 'noisy, public'])}`,
    `standard_conforming_strings = ${random.pick(['on', 'off'])}`,
    `own.value = '${n}'`,
    `extra_float_digits = ${random.pick(['0', '1'])}`,
    `default_transaction_read_only = ${random.pick(['off', 'off', 'on'])}`,
    'client_min_messages = notice',
  ]);
  return random.pick([
    'SELECT 1',
    `SELECT '01/02/2020'::date, 'a\\nb', 0.1::float8 + 0.2`,
    'SELECT n, kind FROM items ORDER BY n LIMIT 2',
    'SELECT * FROM generate_series(1, 4)',
    'SELECT 1/0',
    'SELEC',
    '',
    'BEGIN',
    'BEGIN',
    'COMMIT',
    'COMMIT',
    'ROLLBACK',
    'START TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    'SET TRANSACTION READ ONLY',
    'COMMIT AND CHAIN',
    'ABORT',
    'SAVEPOINT sp',
    'ROLLBACK TO sp',
    'RELEASE sp',
    `INSERT INTO t_${own} VALUES (${n})`,
    `INSERT INTO public.t_${own} VALUES (1) RETURNING n`,
    `SELECT count(*) FROM public.t_${own}`,
    `SET ${setting}`,
    `SET ${setting}`,
    `SET LOCAL ${setting}`,
    `SHOW ${random.pick(['work_mem', 'application_name', 'DateStyle', 'search_path', 'TimeZone', 'extra_float_digits'])}`,
    // A placeholder, once made, stays in its backend for ever as '': RESET ALL cannot make it NULL again.
    `SELECT coalesce(current_setting('own.value', true), '')`,
    'RESET ALL',
    'RESET work_mem',
    `SELECT public.change('${random.pick(['UTC', 'Asia/Tokyo'])}')`,
    `SELECT set_config('own.value', '${n}', ${random.pick(['true', 'false'])})`,
    `DO $$ BEGIN PERFORM set_config('DateStyle', '${random.pick(['ISO, DMY', 'ISO, MDY'])}', false); END $$`,
    'SET ROLE script_role',
    'SET LOCAL ROLE script_role',
    'RESET ROLE',
    'SET SESSION AUTHORIZATION script_role',
    'RESET SESSION AUTHORIZATION',
    'SELECT current_user',
    `CREATE TEMP TABLE items AS SELECT 'temporary ${n}' AS kind, 0 AS n`,
    'CREATE TEMP TABLE brief (n int) ON COMMIT DROP',
    `DECLARE c1 CURSOR WITH HOLD FOR SELECT i + ${n} FROM generate_series(1, 9) i`,
    'FETCH 2 FROM c1',
    'CLOSE c1',
    'DECLARE c2 CURSOR FOR SELECT n, kind FROM public.items ORDER BY n',
    'FETCH 2 FROM c2',
    'MOVE 1 IN c2',
    'CLOSE ALL',
    'CREATE TEMP VIEW brief_view AS SELECT n + 1 AS m FROM public.items',
    'SELECT m FROM brief_view ORDER BY m LIMIT 1',
    // In one: whether the schema exists while it is empty depends on what the backend has had before.
    `CREATE FUNCTION pg_temp.own() RETURNS int LANGUAGE sql AS 'SELECT ${n}'; SELECT pg_temp.own()`,
    `SELECT pg_advisory_lock(${lock})`,
    `SELECT pg_advisory_unlock(${lock})`,
    `SELECT nextval('public.seq_${own}')`,
    `LISTEN ch_${own}`,
    'UNLISTEN *',
    `NOTIFY ch_${own}, '${n}'`,
    'SELECT c FROM pg_listening_channels() c ORDER BY 1',
    `PREPARE ${statement} AS SELECT 'sql ${n}', '01/02/2020'::date`,
    `PREPARE ${statement} (int) AS SELECT $1 + ${n}`,
    `EXECUTE ${statement}`,
    `EXECUTE ${statement} (5)`,
    `DEALLOCATE ${statement}`,
    `EXPLAIN (COSTS OFF) EXECUTE ${statement}`,
    `PREPARE ${statement} AS SELECT nowhere`,
    'DEALLOCATE ALL',
    'DISCARD ALL',
    'DISCARD TEMP',
    `DO $$ BEGIN RAISE NOTICE 'notice ${n}'; END $$`,
    `COPY public.t_${own} TO STDOUT`,
    `SELECT 1; COPY public.t_${own} TO STDOUT; EXECUTE ${statement}`,
    `CREATE TABLE public.made_${own} AS EXECUTE s1`,
    `SELECT 1; SELECT 2; SELECT ${random.pick(['1/0', '3'])}`,
    `BEGIN; INSERT INTO public.t_${own} VALUES (2); COMMIT; SELECT ${n}`,
  ]);
}

type Part = readonly [label: string, bytes: Uint8Array];

const quote = (text: string): string => JSON.stringify(text);

/** One frontend message, or a group that usually goes together. */
function part(session: string, random: Random): Part {
  const statement = random.pick(['', '', 's1', 's2']);
  // A statement that runs itself does so until the stack is used up, and one that deallocates itself while it runs is a risk.
  const drawn = sql(session, random);
  const isOwnName = statement !== '' && new RegExp(`(PREPARE|EXECUTE|DEALLOCATE) ${statement}\\b`).test(drawn);
  const text = isOwnName ? 'SELECT 1' : drawn;
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
    ...(random.chance(0.05) ? [['message("y")', message('y')] as Part] : []),
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
