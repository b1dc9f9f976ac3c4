/**
 * What PgBouncer leaks from one caller to the next, and the parse-context mistake: gone with the protection on,
 * and seen with it off, so that these tests are known to be able to fail.
 */
import type { EngineLimits } from '@postern/pool';
import { type RunningPostgres, startPostgres } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, createCaller } from './harness/caller.ts';
import { createDatabaseLender, type DatabaseLender } from './harness/database.ts';
import { createEngineRoute } from './harness/engine-route.ts';
import { bind, execute, parse } from './harness/frontend-message.ts';
import type { Route } from './harness/route.ts';

const SETUP = `CREATE TABLE ran (tenant text, by text); GRANT ALL ON ran TO PUBLIC; CREATE TABLE items AS SELECT 'permanent'::text AS kind; GRANT SELECT ON items TO PUBLIC`;

/** What one caller leaves behind, how the next would notice, and what it must see. */
const LEAKS: readonly { what: string; leave: readonly string[]; probe: string; clean: string }[] = [
  { what: 'role', leave: ['SET ROLE script_role'], probe: 'SELECT current_user = session_user', clean: 't' },
  {
    what: 'session authorization',
    leave: ['SET SESSION AUTHORIZATION script_role'],
    probe: 'SELECT session_user',
    clean: 'postgres',
  },
  { what: 'search_path', leave: ['SET search_path = noisy'], probe: 'SHOW search_path', clean: '"$user", public' },
  { what: 'work_mem', leave: [`SET work_mem = '1234kB'`], probe: 'SHOW work_mem', clean: '4MB' },
  {
    what: 'a setting of its own',
    leave: [`SET my.tenant = 'a'`],
    probe: `SELECT current_setting('my.tenant', true)`,
    clean: '',
  },
  { what: 'settings from a function body', leave: ['SELECT noisy.leak()'], probe: 'SHOW work_mem', clean: '4MB' },
  {
    what: 'read-only transactions',
    leave: ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY'],
    probe: 'SHOW transaction_read_only',
    clean: 'off',
  },
  {
    what: 'temporary table',
    leave: [`CREATE TEMP TABLE items AS SELECT 'temporary'::text AS kind`],
    probe: 'SELECT kind FROM items',
    clean: 'permanent',
  },
  {
    what: 'advisory lock',
    leave: ['SELECT pg_advisory_lock(42)'],
    probe: `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42`,
    clean: '0',
  },
  {
    what: 'LISTEN',
    leave: [`DO $$ BEGIN EXECUTE 'LISTEN news'; END $$`],
    probe: 'SELECT count(*) FROM pg_listening_channels()',
    clean: '0',
  },
  {
    what: 'statement prepared in a body',
    leave: [`DO $$ BEGIN EXECUTE 'PREPARE left_over AS SELECT 42'; END $$`],
    probe: 'EXECUTE left_over',
    clean: '(no row)',
  },
  {
    what: 'cursor WITH HOLD',
    leave: ['DECLARE c1 CURSOR WITH HOLD FOR SELECT 1'],
    probe: `SELECT count(*) FROM pg_cursors WHERE name = 'c1'`,
    clean: '0',
  },
];

/** What functions leave when another caller has called them before: what is known of them since must not hide it. */
const FUNCTIONS: readonly { what: string; make: string; call: string; probe: string; kept: string }[] = [
  {
    what: 'a setting, from a body of SQL',
    make: `CREATE FUNCTION made() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT set_config('own.name', 'kept', false); END`,
    call: 'SELECT made()',
    probe: 'SHOW own.name',
    kept: 'kept',
  },
  {
    what: 'a setting, from another name of set_config',
    make: `CREATE FUNCTION made(text, text, bool) RETURNS text LANGUAGE internal AS 'set_config_by_name'`,
    call: `SELECT made('work_mem', '5MB', false)`,
    probe: 'SHOW work_mem',
    kept: '5MB',
  },
  {
    what: 'a lock, from a body of SQL',
    make: 'CREATE FUNCTION made() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT pg_advisory_lock(3); END',
    call: 'SELECT made()',
    probe: `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
    kept: '1',
  },
  {
    what: 'a setting, from a function that was made anew',
    make: `CREATE FUNCTION made() RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$; SELECT made();
      CREATE OR REPLACE FUNCTION made() RETURNS text LANGUAGE sql AS $$ SELECT set_config('own.name', 'kept', false) $$`,
    call: 'SELECT made()',
    probe: 'SHOW own.name',
    kept: 'kept',
  },
  {
    what: 'random numbers, from setseed in a body',
    make: 'CREATE FUNCTION made() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM setseed(0.25); END $$',
    call: 'SELECT made()',
    probe: 'SELECT round(random() * 1000)',
    kept: '',
  },
];

type Login = (parameters?: Readonly<Record<string, string>>) => Promise<Caller>;

describe('what one caller leaves for the next', () => {
  let postgres: RunningPostgres;
  let databases: DatabaseLender;
  beforeAll(async () => {
    postgres = await startPostgres({ authMethod: 'password', settings: { autovacuum: 'off' } });
    databases = await createDatabaseLender(postgres);
  });
  afterAll(async () => {
    await databases?.close();
    await postgres?.stop();
  });

  /** Plays with a pool of one server connection. */
  async function onPool<T>(limits: Partial<EngineLimits>, play: (login: Login) => Promise<T>): Promise<T> {
    const database = await databases.lend(SETUP);
    const route: Route = await createEngineRoute(postgres, { mode: 'pooled', limits: { maxPinned: 1, ...limits } })({
      database,
      serverConnections: 1,
      seed: 1,
    });
    try {
      return await play(async (parameters = {}) => {
        const caller = createCaller('caller', await route.connect(), {
          waitLimitMs: 4000,
          user: postgres.user,
          password: postgres.password,
          database,
          loginParameters: route.loginParameters,
          beforeSend: async () => {},
          connect: () => route.connect(),
        });
        await caller.login({ parameters });
        return caller;
      });
    } finally {
      await route.close();
      databases.giveBack(database);
    }
  }

  async function ask(caller: Caller, sql: string): Promise<string> {
    const from = caller.received.length;
    await caller.query(sql);
    const row = caller.received.slice(from).find((found) => found.type === 'D');
    return row === undefined ? '(no row)' : row.body.toString('utf8', 6);
  }

  /** Leaves something behind and goes away; then another caller looks. */
  const afterGoodbye = (leak: (typeof LEAKS)[number], limits: Partial<EngineLimits>): Promise<string> =>
    onPool(limits, async (login) => {
      const first = await login();
      for (const sql of leak.leave) await first.query(sql);
      await first.terminate();
      return ask(await login(), leak.probe);
    });

  /** The one who left it stays; another caller looks. */
  const sideBySide = (leak: (typeof LEAKS)[number], limits: Partial<EngineLimits>): Promise<string> =>
    onPool(limits, async (login) => {
      const [first, second] = [await login(), await login()];
      for (const sql of leak.leave) await first.query(sql);
      return ask(second, leak.probe);
    });

  test.each(LEAKS)('$what: nothing is left when its caller has gone', async (leak) => {
    expect(await afterGoodbye(leak, {})).toBe(leak.clean);
  });

  test.each(LEAKS.filter(({ what }) => what !== 'advisory lock'))(
    '$what: nothing reaches a neighbour',
    async (leak) => {
      expect(await sideBySide(leak, {})).toBe(leak.clean);
    },
  );

  test.each(LEAKS)('$what: leaks without the reset', async (leak) => {
    expect(await afterGoodbye(leak, { serverReset: 'never' })).not.toBe(leak.clean);
  });

  /** What Postgres refuses when it is set anew on the connection that the first caller has used since. */
  const REFUSED: readonly { what: string; set: string; meanwhile: string }[] = [
    {
      what: 'a text search configuration that was dropped',
      set: `CREATE TEXT SEARCH CONFIGURATION own (COPY = pg_catalog.english); SET default_text_search_config = own`,
      meanwhile: 'DROP TEXT SEARCH CONFIGURATION own',
    },
    {
      what: 'a custom setting that a module has reserved',
      set: `SET plpgsql.of_ours = 'x'`,
      meanwhile: 'DO $$ BEGIN END $$',
    },
    {
      what: 'text that another encoding reads otherwise',
      set: `SET application_name = 'it''s'; SET my.name = 'été'`,
      meanwhile: `SET backslash_quote = off; SET client_encoding = 'SJIS'`,
    },
  ];

  test.each(FUNCTIONS)('functions keep $what', async ({ make, call, probe, kept }) => {
    const found = await onPool({ maxPinned: 2 }, async (login) => {
      const [learner, first, second] = [await login(), await login(), await login()];
      for (const sql of make.split(/;\s+(?=CREATE|SELECT made)/)) await learner.query(sql);
      if (!make.includes('REPLACE')) await learner.query(call);
      await learner.query('SELECT 1');
      await learner.terminate();
      await first.query(call);
      const before = await ask(second, probe);
      return [await ask(first, probe), before];
    });
    if (kept === '') expect(found[0]).not.toBe(found[1]);
    else expect(found[0]).toBe(kept);
  });

  test.each(REFUSED)('$what: no statement runs under the settings of another', async ({ set, meanwhile }) => {
    for (const statement of [
      `INSERT INTO ran VALUES (current_setting('my.tenant', true), current_user)`,
      `ROLLBACK; INSERT INTO ran VALUES (current_setting('my.tenant', true), current_user)`,
    ]) {
      const ran = await onPool({}, async (login) => {
        const [first, second] = [await login(), await login()];
        await second.query(set);
        await second.query(`SET my.tenant = 'second'`);
        await first.query(meanwhile);
        await first.query(`SET my.tenant = 'first'`);
        await first.query('SET ROLE script_role');
        // It may be refused, with its session.
        await second.query(statement).catch(() => {});
        return ask(first, `SELECT coalesce(string_agg(tenant || by, ','), '') FROM ran`);
      });
      expect(ran).not.toMatch(/first|script_role/);
    }
  });

  const TEXT = `SELECT '01/02/2020'::date`;
  const dateOfTheSecond = (limits: Partial<EngineLimits>): Promise<string> =>
    onPool(limits, async (login) => {
      const [first, second] = [await login(), await login({ DateStyle: 'DMY' })];
      await first.segment(parse('s', TEXT), bind({ statement: 's' }), execute());
      await second.segment(parse('s', TEXT), bind({ statement: 's' }), execute());
      return second.received.findLast((found) => found.type === 'D')?.body.toString('utf8', 6) ?? '(no row)';
    });

  test('a shared statement is only shared with callers that parse alike', async () => {
    expect(await dateOfTheSecond({})).toBe('2020-02-01');
  });

  test('without the parse context the second caller gets the date of the first', async () => {
    expect(await dateOfTheSecond({ parseContext: false })).toBe('2020-01-02');
  });
});
