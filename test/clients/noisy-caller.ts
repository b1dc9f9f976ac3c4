/**
 * Another caller of the same pool, with the same role, that never rests and leaves every kind of session state behind.
 * Nothing it does may be seen by the client under test, and nothing of that client in what the noisy caller is told.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import pg from 'pg';
import { expect } from 'vitest';

export interface NoisyCaller {
  /** Stops after the current act and fails if it was disturbed, or never got a turn. */
  stop(): Promise<void>;
}

interface Act {
  readonly sql: string | pg.QueryConfig;
  /** As a prepared statement of its own name. */
  readonly isNamed?: true;
  /** SQLSTATE the act has to end with. */
  readonly fails?: string;
}

/** Names that the clients under test use as well, and settings that would change their answers. */
const acts: readonly Act[] = [
  { sql: `SET DateStyle = 'German, DMY'; SET IntervalStyle = sql_standard; SET TimeZone = 'Asia/Tokyo'` },
  { sql: 'SET search_path = pg_catalog; SET bytea_output = escape; SET extra_float_digits = -3' },
  { sql: 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = 76543' },
  { sql: `PREPARE s1 AS SELECT 'noise'; PREPARE find AS SELECT 'noise'` },
  { sql: { name: 'find', text: `SELECT 'noise'` }, fails: '42P05' },
  { sql: 'DEALLOCATE find' },
  { sql: `SELECT 'noise'::text AS n`, isNamed: true },
  { sql: 'BEGIN; SAVEPOINT a; SELECT 1/0', fails: '22012' },
  { sql: 'ROLLBACK' },
  { sql: 'SELECT nonsense', fails: '42703' },
  { sql: 'DEALLOCATE ALL' },
  { sql: `SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; SET LOCAL work_mem = '1MB'` },
  { sql: `SELECT set_config('search_path', 'nowhere', false), set_config('noisy.marker', 'mine', false)` },
  { sql: 'CREATE TEMP TABLE items (noise int); DROP TABLE pg_temp.items' },
  { sql: 'SELECT pg_advisory_lock(987654); SELECT pg_advisory_unlock_all()' },
  { sql: 'LISTEN news' },
  { sql: `NOTIFY noise, 'for nobody'` },
  { sql: 'UNLISTEN *' },
  { sql: `DECLARE c CURSOR WITH HOLD FOR SELECT 'noise'; CLOSE c` },
  { sql: 'SET ROLE pg_monitor; SET work_mem = 4321' },
  { sql: 'RESET ROLE' },
  { sql: 'DISCARD ALL' },
];

export async function startNoisyCaller(tcpUrl: string): Promise<NoisyCaller> {
  const client = new pg.Client({ connectionString: tcpUrl });
  const lost = new Promise<never>((_, reject) => client.on('error', reject));
  lost.catch(() => {});
  await client.connect();
  let isStopping = false;
  let played = 0;

  async function play({ sql, isNamed, fails }: Act): Promise<void> {
    const query = isNamed && typeof sql === 'string' ? { name: `loud${played}`, text: sql } : sql;
    const outcome = await Promise.race([lost, client.query(query)]).then(
      () => undefined,
      (error: { code?: string }) => error,
    );
    if (outcome?.code !== fails) throw outcome ?? new Error(`the noisy caller saw no ${fails} after ${String(sql)}`);
    played++;
  }

  async function run(): Promise<void> {
    await client.query(`SET application_name = 'noisy'`);
    for (let turn = 0; !isStopping; turn++) {
      await play(acts[turn % acts.length]!);
      await nextTurn();
    }
    await client.query('ROLLBACK');
    await client.query(`SET work_mem = '7MB'`);
    expect((await client.query('SHOW work_mem')).rows).toEqual([{ work_mem: '7MB' }]);
    await client.end();
  }

  const running = run();
  running.catch(() => {});
  return {
    async stop() {
      isStopping = true;
      await running;
      expect(played, 'acts of the noisy caller').toBeGreaterThan(0);
    },
  };
}
