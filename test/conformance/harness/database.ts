/** A fresh database for each run, so that nothing a script leaves behind can reach the next. */
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

export interface DatabaseMaker {
  /** Creates a database and runs `setup` in it. */
  create(setup?: string): Promise<string>;
  drop(database: string): Promise<void>;
  close(): Promise<void>;
}

export async function createDatabaseMaker(server: Server): Promise<DatabaseMaker> {
  const admin: DirectConnection = await openDirect(server, 'postgres');
  const prefix = `conformance_${process.pid}_${Date.now().toString(36)}`;
  let count = 0;
  for (const role of ROLES) {
    await admin.query(
      `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    );
  }
  return {
    async create(setup = '') {
      const database = `${prefix}_${count++}`;
      await admin.query(`CREATE DATABASE ${database} TEMPLATE template0`);
      const inside = await openDirect(server, database);
      await inside.query(FURNITURE);
      if (setup !== '') await inside.query(setup);
      await inside.close();
      return database;
    },
    drop: async (database) => void (await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)),
    close: () => admin.close(),
  };
}
