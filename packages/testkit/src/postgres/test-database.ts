import pg from 'pg';

/** A database of a test file's own in the cluster of this vitest run. */
export interface TestDatabase {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The superuser of the cluster. */
  readonly user: string;
  readonly password: string;
  /** postgres://user:password@host:port/name */
  readonly url: string;
  /** The same database as another role. */
  urlFor(user: string, password: string): string;
  /** Runs SQL straight on Postgres, behind the gateway's back; several statements allowed without parameters. */
  query<Row extends Record<string, unknown> = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Disconnects everybody and drops it. Can be called twice. */
  drop(): Promise<void>;
}

/** CREATE DATABASE in the run's cluster (or the one at `clusterUrl`), about 50 ms. Drop it in `afterAll`. */
export async function createTestDatabase(clusterUrl: string = clusterUrlOfThisRun()): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await runOnce(clusterUrl, `CREATE DATABASE ${name}`);
  const url = new URL(clusterUrl);
  url.pathname = `/${name}`;
  const direct = new pg.Pool({ connectionString: url.href, max: 1, idleTimeoutMillis: 1000, allowExitOnIdle: true });
  // The cluster may be stopped while the connection idles: the next query reports it.
  direct.on('error', () => {});
  let dropped: Promise<void> | undefined;
  return {
    name,
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    url: url.href,
    urlFor(user, password) {
      const other = new URL(url);
      other.username = encodeURIComponent(user);
      other.password = encodeURIComponent(password);
      return other.href;
    },
    async query<Row extends Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]> {
      const result = await direct.query<Row>(sql, values);
      return result.rows;
    },
    drop() {
      dropped ??= direct.end().then(() => runOnce(clusterUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
      return dropped;
    },
  };
}

function clusterUrlOfThisRun(): string {
  const url = process.env.POSTERN_TEST_PG_URL;
  if (!url) {
    throw new Error(
      'No Postgres for this run: vitest has to be started at the repository root (its globalSetup starts one).',
    );
  }
  return url;
}

async function runOnce(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
