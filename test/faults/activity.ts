/** What Postgres itself says about the server connections of a database, seen from outside. */
import pg from 'pg';
import { expect, vi } from 'vitest';

export interface Backend {
  readonly pid: number;
  readonly state: string;
  readonly query: string;
  readonly wait: string | null;
}

export interface Activity {
  /** The observer's own connection to Postgres, which is not among the backends. */
  readonly observer: pg.Client;
  /** Every backend of the database but this observer's. */
  backends(): Promise<Backend[]>;
  /** Those that run a query with this text in it right now. */
  running(text: string): Promise<Backend[]>;
  /** Waits until exactly one backend runs it. */
  oneRuns(text: string): Promise<Backend>;
  terminate(pid: number): Promise<void>;
  /** Looks as often as it can until `stop`, which returns the most backends there were at once. */
  watch(): { stop(): Promise<number> };
  close(): Promise<void>;
}

export async function observeActivity(databaseUrl: string): Promise<Activity> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  const activity: Activity = {
    observer: client,
    async backends() {
      const { rows } = await client.query<Backend>(
        `SELECT pid, state, query, wait_event AS wait FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
      );
      return rows;
    },
    async running(text) {
      return (await activity.backends()).filter(({ state, query }) => state === 'active' && query.includes(text));
    },
    async oneRuns(text) {
      return vi.waitFor(
        async () => {
          const found = await activity.running(text);
          expect(found, `backends that run ${text}`).toHaveLength(1);
          return found[0]!;
        },
        { timeout: 5_000 },
      );
    },
    async terminate(pid) {
      await client.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
    },
    watch() {
      let isWatching = true;
      let most = 0;
      const watched = (async () => {
        while (isWatching) most = Math.max(most, (await activity.backends()).length);
      })();
      return {
        async stop() {
          isWatching = false;
          await watched;
          return most;
        },
      };
    },
    close: () => client.end(),
  };
  return activity;
}
