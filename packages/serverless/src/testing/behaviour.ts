/**
 * What every driver of this kind must do over HTTP, as a list of named cases that need nothing but the driver itself: the same
 * list runs in each runtime, and against `@neondatabase/serverless`, whose answers ours must equal.
 */

/** The part of the drivers' APIs that they share. */
export interface DriverUnderTest {
  neon(connectionString: string, options?: object): SqlUnderTest;
  Client: new (connectionString: string) => ClientUnderTest;
  Pool: new (options: { connectionString: string; max?: number }) => PoolUnderTest;
}

interface SqlUnderTest {
  (strings: TemplateStringsArray, ...values: unknown[]): PromiseLike<unknown>;
  query(text: string, params?: unknown[], options?: object): PromiseLike<unknown>;
  unsafe(raw: string): unknown;
  transaction(queries: unknown[], options?: object): Promise<unknown>;
}

interface ClientUnderTest {
  connect(): Promise<unknown>;
  query(query: unknown, values?: unknown[]): Promise<unknown>;
  end(): Promise<void>;
  on(event: string, listener: (value: never) => void): unknown;
}

interface PoolUnderTest {
  query(query: unknown, values?: unknown[]): Promise<unknown>;
  connect(): Promise<ClientUnderTest & { release(): void }>;
  end(): Promise<void>;
}

export interface BehaviourCase {
  readonly name: string;
  /** Returns what is compared; errors are described by `describeError`. */
  run(driver: DriverUnderTest, url: string): Promise<unknown>;
}

const errorFields = [
  'name message severity code detail hint position internalPosition internalQuery where schema table column dataType',
  'constraint file line routine',
].flatMap((line) => line.split(' '));

/** What a program can see of an error. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    const fields = error as Record<string, unknown>;
    return {
      isError: error instanceof Error,
      ...Object.fromEntries(errorFields.map((field) => [field, fields[field]])),
    };
  }
  return { isError: false };
}

/** Only what both promise: node-postgres' results have private parts. */
function visible(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(visible);
  const { command, rowCount, rows, fields, rowAsArray, viaNeonFetch } = result as Record<string, unknown>;
  return { command, rowCount, rows, fields, rowAsArray, viaNeonFetch };
}

function http(name: string, run: (sql: SqlUnderTest) => Promise<unknown>, options?: object): BehaviourCase {
  return { name: `http: ${name}`, run: (driver, url) => run(driver.neon(url, options)) };
}

function ws(name: string, run: (client: ClientUnderTest) => Promise<unknown>): BehaviourCase {
  return {
    name: `ws: ${name}`,
    async run(driver, url) {
      const client = new driver.Client(url);
      client.on('error', () => {});
      await client.connect();
      try {
        return await run(client);
      } finally {
        await client.end();
      }
    },
  };
}

const fragments = (sql: SqlUnderTest): unknown => sql`WHERE n > ${1} AND ${sql.unsafe('n < 4')}`;

/** Statements whose results, or errors, say something. */
const statements: readonly (readonly [string, unknown[]?])[] = [
  ['SELECT 1 AS n, null AS nothing'],
  ['SELECT $1::int + 1 AS n', [41]],
  ['SELECT $1 AS a, $2::text[] AS b, $3::jsonb AS c', ['x', ['a', null, '"\\'], { a: [1] }]],
  ['SELECT 1 AS a, 2 AS a'],
  ['SELECT'],
  [''],
  ['CREATE TEMP TABLE behaviour_gone (n int)'],
  ['SELECT * FROM generate_series(1, 3) AS n'],
  ['VALUES (1), (2)'],
  ['SHOW server_encoding'],
  ['SELECT no_such_column'],
  ['SELECT 1 / 0'],
  ['SELECT $1::int', ['x']],
  ['SELECT $1::int'],
  ['this is not SQL'],
  ["DO $$ BEGIN RAISE EXCEPTION 'my message' USING HINT = 'my hint', DETAIL = 'my detail', ERRCODE = 'P0042'; END $$"],
];

export const behaviour: readonly BehaviourCase[] = [
  ...statements.flatMap(([text, values]): BehaviourCase[] => [
    http(`${text} ${values ?? ''}`, async (sql) => {
      const { error, result } = await settle(sql.query(text, values, { fullResults: true }));
      return error ?? visible(result);
    }),
    ws(`${text} ${values ?? ''}`, async (client) => {
      const { error, result } = await settle(client.query(text, values));
      return error ?? visible(result);
    }),
  ]),
  http('a tagged template', (sql) => Promise.resolve(sql`SELECT ${1}::int AS n, ${'x'} AS t, ${null} AS z`)),
  http('composition', async (sql) => [
    await sql`SELECT * FROM generate_series(1, 9) AS n ${fragments(sql)} ORDER BY n DESC`,
    await sql`SELECT ${sql`${1}::int + ${2}::int`} AS n, ${sql.query('now() > now()')} AS t`,
    await errorOf(sql`SELECT ${sql.query('SELECT $1', [1])}`).then(({ isError, message }) => ({ isError, message })),
  ]),
  http('bytes', (sql) => Promise.resolve(sql`SELECT ${new Uint8Array([0, 104, 105, 255])} AS b`)),
  http('array mode', (sql) => Promise.resolve(sql`SELECT 1 AS a, 2 AS a`), { arrayMode: true }),
  http('full results', async (sql) => visible(await sql`SELECT 1 AS a`), { fullResults: true, arrayMode: true }),
  http('a transaction', async (sql) =>
    sql.transaction([sql`SELECT 1 AS n`, sql.query('SELECT 2 AS n', [], { arrayMode: true })], {
      isolationLevel: 'Serializable',
      readOnly: true,
    }),
  ),
  http('transaction settings', async (sql) =>
    sql.transaction(
      [sql`SHOW transaction_isolation`, sql`SHOW transaction_read_only`, sql`SHOW transaction_deferrable`],
      {
        isolationLevel: 'RepeatableRead',
        readOnly: true,
        deferrable: true,
      },
    ),
  ),
  http('an empty transaction', (sql) => sql.transaction([])),
  http('a transaction fails as a whole', async (sql) => errorOf(sql.transaction([sql`SELECT 1`, sql`SELECT 1 / 0`]))),
  http('what is not a transaction', async (sql) => {
    const { isError, message } = await errorOf(sql.transaction(['SELECT 1']));
    return { isError, message };
  }),
  {
    name: 'http: a wrong password',
    async run(driver, url) {
      const wrong = new URL(url);
      wrong.password = 'wrong';
      return errorOf(driver.neon(wrong.href)`SELECT 1`);
    },
  },
  ws('several statements', async (client) => visible(await client.query('SELECT 1 AS a; SELECT 2 AS b, 3 AS c'))),
  ws('row mode array', async (client) =>
    visible(await client.query({ text: 'SELECT 1 AS a, 2 AS a', rowMode: 'array' })),
  ),
  ws('a named statement, twice', async (client) => [
    visible(await client.query({ name: 'named', text: 'SELECT $1::int AS n' }, [1])),
    visible(await client.query({ name: 'named', text: 'SELECT $1::int AS n' }, [2])),
  ]),
  ws('bytes', async (client) => visible(await client.query('SELECT $1::bytea AS b', [new Uint8Array([0, 1, 255])]))),
  ws('errors leave the session usable', async (client) => [
    await errorOf(client.query('SELECT 1 / 0')),
    await errorOf(client.query('SELECT $1::int', ['x'])),
    visible(await client.query('SELECT 1 AS n')),
  ]),
  ws('a transaction', async (client) => {
    await client.query('BEGIN');
    await client.query('CREATE TEMP TABLE behaviour_t (n int UNIQUE) ON COMMIT DROP');
    await client.query('INSERT INTO behaviour_t VALUES ($1)', [1]);
    const duplicate = await errorOf(client.query('INSERT INTO behaviour_t VALUES ($1)', [1]));
    const failed = await errorOf(client.query('SELECT 1'));
    const rolledBack = visible(await client.query('COMMIT'));
    // The names of temporary schemas differ from session to session.
    return [{ ...duplicate, schema: undefined }, failed, rolledBack];
  }),
  ws('notices', async (client) => {
    const notices: unknown[] = [];
    client.on('notice', ({ message, severity, code }: Record<string, unknown>) => {
      notices.push({ message, severity, code });
    });
    await client.query("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$");
    return notices;
  }),
  ws('notifications', async (client) => {
    const notification = new Promise((resolve) => {
      client.on('notification', ({ channel, payload }: Record<string, unknown>) => resolve({ channel, payload }));
    });
    await client.query('LISTEN behaviour_channel');
    await client.query("SELECT pg_notify('behaviour_channel', 'hello')");
    return notification;
  }),
  {
    name: 'ws: a pool',
    async run(driver, url) {
      const pool = new driver.Pool({ connectionString: url, max: 3 });
      const numbers = await Promise.all([1, 2, 3, 4, 5].map((n) => pool.query('SELECT $1::int AS n', [n])));
      const error = await errorOf(pool.query('SELECT 1 / 0'));
      const client = await pool.connect();
      const own = visible(await client.query('SELECT 1 AS n'));
      client.release();
      await pool.end();
      return [numbers.map(visible), error, own];
    },
  },
];

async function settle(promise: PromiseLike<unknown>): Promise<{ result?: unknown; error?: unknown }> {
  let result: unknown;
  const error = await errorOf(
    promise.then((value) => {
      result = value;
    }),
  );
  return error.isError ? { error } : { result };
}
