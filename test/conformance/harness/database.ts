/**
 * An empty database for each run, so that nothing a script leaves behind can reach the next.
 *
 * Databases are cleaned and lent again: creating one writes 7 MB, which dominated everything else.
 */
import { type DirectConnection, openDirect, type Server } from './direct-query.ts';

/** Roles the scripts and the noisy neighbour switch to. Roles belong to the cluster, so they are made once. */
const ROLES = ['script_role', 'script_other', 'noisy_role'];

/** Present in every database, so that both sides of a comparison have the same catalogue. */
const FURNITURE = `
  CREATE SCHEMA noisy;
  GRANT ALL ON SCHEMA noisy TO noisy_role;
  CREATE SEQUENCE noisy.seq;
  CREATE TABLE noisy.sink (line text);
  GRANT ALL ON ALL TABLES IN SCHEMA noisy TO noisy_role;
  GRANT ALL ON ALL SEQUENCES IN SCHEMA noisy TO noisy_role;
  CREATE FUNCTION noisy.leak() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM set_config('noisy.leaked', 'yes', false);
    PERFORM set_config('DateStyle', 'German, DMY', false);
    PERFORM set_config('work_mem', '2345kB', false);
  END $$;
`;

/** Ends every other session in the database, then drops all a script can have made in it. */
const CLEAN = `
  SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
  DO $$
  DECLARE doomed text;
  BEGIN
    FOR doomed IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
      EXECUTE format('DROP SCHEMA %I CASCADE', doomed);
    END LOOP;
  END $$;
  CREATE SCHEMA public;
  GRANT USAGE ON SCHEMA public TO PUBLIC;
`;

export interface DatabaseLender {
  /** An empty database in which `setup` has been run. */
  lend(setup?: string): Promise<string>;
  giveBack(database: string): void;
  close(): Promise<void>;
}

export async function createDatabaseLender(server: Server): Promise<DatabaseLender> {
  const admin: DirectConnection = await openDirect(server, 'postgres');
  const prefix = `conformance_${process.pid}_${Date.now().toString(36)}`;
  const made: string[] = [];
  const free: string[] = [];
  for (const role of ROLES) {
    await admin.query(
      `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    );
  }
  return {
    async lend(setup = '') {
      let database = free.shift();
      if (database === undefined) {
        database = `${prefix}_${made.length}`;
        made.push(database);
        await admin.query(`CREATE DATABASE ${database} TEMPLATE template0`);
      }
      const inside = await openDirect(server, database);
      await inside.query('SET client_min_messages = error');
      await inside.query(CLEAN);
      await inside.query(FURNITURE);
      await inside.query('RESET client_min_messages');
      if (setup !== '') await inside.query(setup);
      await inside.close();
      return database;
    },
    giveBack: (database) => void free.push(database),
    async close() {
      for (const database of made) await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await admin.close();
    },
  };
}
