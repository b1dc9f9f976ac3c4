// What programs do with errors, options and settings of the official driver.
import {
  Client,
  DatabaseError,
  NeonDbError,
  NeonQueryPromise,
  neon,
  neonConfig,
  Pool,
  parseIntoClientConfig,
  SqlTemplate,
  types,
  UnsafeRawSql,
} from '@neondatabase/serverless';
import { attempt, describe, port, show, url } from './setup.mjs';

const sql = neon(url);
const pool = new Pool({ connectionString: url, max: 1 });
await sql`CREATE TABLE thing (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0), u text UNIQUE, r int REFERENCES thing(id))`;
await sql`INSERT INTO thing VALUES (1, 1, 'a', NULL)`;

for (const text of [
  "INSERT INTO thing VALUES (1, 1, 'b', NULL)",
  "INSERT INTO thing VALUES (2, NULL, 'b', NULL)",
  "INSERT INTO thing VALUES (2, -1, 'b', NULL)",
  "INSERT INTO thing VALUES (2, 1, 'a', NULL)",
  "INSERT INTO thing VALUES (2, 1, 'c', 99)",
  'SELECT 1 / 0',
  'SELECT * FROM nowhere',
  'SELEC',
  "SELECT 'x'::int",
  "SELECT repeat('x', -1) || 5 + 'a'",
  "SET statement_timeout = 'x'",
  'LISTEN x',
  'SELECT $1::int',
  'SELECT chr(0)',
]) {
  await attempt(
    `http ${text}`,
    () => sql.query(text),
    (error) => [describe(error), error instanceof NeonDbError],
  );
  await attempt(
    `ws ${text}`,
    async () => (await pool.query(text)).rows,
    (error) => [describe(error), error instanceof DatabaseError, error.length],
  );
}
await attempt('several statements over HTTP', () => sql.query('SELECT 1; SELECT 2'));
await attempt('several over WebSocket', async () =>
  (await pool.query('SELECT 1 AS a; SELECT 2 AS b')).map((r) => r.rows),
);
await attempt('a transaction that fails', () => sql.transaction([sql`SELECT 1`, sql`SELECT 1 / 0`]));
const isNoTransaction = ({ message }) => message;
await attempt('async', () => sql.transaction(async () => []), isNoTransaction);
await attempt('numbers', () => sql.transaction([1]), isNoTransaction);
await attempt('a function', () =>
  sql.transaction((tx) => [tx`SELECT ${1}::int AS a`, tx.query('SELECT $1::int', [2])]),
);
const all = { isolationLevel: 'Serializable', readOnly: true, deferrable: true };
await attempt('options', () =>
  sql.transaction([sql`SHOW transaction_isolation`, sql`SHOW transaction_deferrable`], all),
);
await attempt('modes', async () => {
  const [{ rows, rowAsArray, viaNeonFetch }] = await sql.transaction([sql`SELECT 1 AS a`], {
    arrayMode: true,
    fullResults: true,
  });
  return { rows, rowAsArray, viaNeonFetch };
});
await attempt('no such level', () => sql.transaction([sql`SELECT 1`], { isolationLevel: 'Nope' }));
await attempt('composed', () => sql`SELECT ${sql.query('1')} AS x, ${sql.unsafe('2')} AS y, ${sql`${3}::int`} AS z`);
await attempt('not composable', () => sql`SELECT ${sql.query('$1', [1])}`, isNoTransaction);
try {
  sql('SELECT 1');
} catch (error) {
  show('called', [error instanceof Error, /tagged-template function/.test(error.message)]);
}

const query = sql`SELECT ${1}::int AS n`;
show('a query', [query instanceof NeonQueryPromise, query.queryData instanceof SqlTemplate]);
show('its text', query.queryData.toParameterizedQuery());
show('raw', [sql.unsafe('x') instanceof UnsafeRawSql, sql.unsafe('x').sql]);

const before = types.getTypeParser(20);
types.setTypeParser(types.builtins.INT8, (text) => BigInt(text));
show('setTypeParser', [await sql`SELECT 5::int8 AS a`, (await pool.query('SELECT 5::int8 AS a')).rows]);
types.setTypeParser(20, before);
const own = { getTypeParser: (id, format) => (text) => [id, format, text] };
show('types of a query', await sql.query('SELECT 5::int8 AS a', [], { types: own }));
show('types of a pool query', (await pool.query({ text: 'SELECT 5::int8 AS a', types: own })).rows);

let seen;
neonConfig.fetchFunction = (target, init) => {
  const { method, body, priority, signal } = init;
  seen = { target: target.replace(port, 'port'), method, body, priority, hasSignal: signal instanceof AbortSignal };
  const { 'neon-connection-string': _, ...headers } = Object.fromEntries(new Headers(init.headers));
  seen.headers = Object.entries(headers);
  seen.headers.sort();
  return fetch(target, init);
};
const signal = AbortSignal.timeout(20_000);
await sql.query('SELECT $1', [5], { fetchOptions: { priority: 'high', signal } });
show('fetchFunction', seen);
await sql.transaction([sql`SELECT ${1}`], { isolationLevel: 'RepeatableRead', readOnly: false });
show('fetchFunction of a transaction', seen);
for (const [name, answer] of Object.entries({
  'server error': () => new Response('nope', { status: 500 }),
  'database error': () => Response.json({ message: 'm', code: '12345', detail: null, extra: 1 }, { status: 400 }),
})) {
  neonConfig.fetchFunction = async () => answer();
  await attempt(
    name,
    () => sql`SELECT 1`,
    (error) => [error.name, error.code, error instanceof NeonDbError || 'bare'],
  );
}
neonConfig.fetchFunction = async () => {
  throw new Error('boom');
};
await attempt(
  'fetch fails',
  () => sql`SELECT 1`,
  ({ name, message, sourceError }) => [name, message, sourceError.message],
);
neonConfig.fetchFunction = undefined;
const failing = () => {
  throw new Error('no token');
};
await attempt(
  'a token fails',
  () => neon(url, { authToken: failing })`SELECT 1`,
  ({ name, message }) => [name, message],
);
show('wrong password', await neon(url, { password: 'wrong' })`SELECT 1`.catch(describe));

neonConfig.poolQueryViaFetch = true;
const viaFetch = new Pool({ connectionString: url });
const { rows, viaNeonFetch, command, rowCount } = await viaFetch.query('SELECT $1::int AS n', [1]);
show('poolQueryViaFetch', { rows, viaNeonFetch, command, rowCount });
await attempt('its errors', () => viaFetch.query('SELECT 1 / 0'));
show(
  'its callback',
  await new Promise((resolve) => viaFetch.query('SELECT 2 AS n', (_, result) => resolve(result.rows))),
);
show('its arrays', (await viaFetch.query({ text: 'SELECT $1::int', values: [3], rowMode: 'array' })).rows);
await viaFetch.end();
neonConfig.poolQueryViaFetch = false;

const client = new Client(url);
const events = [];
for (const event of ['connect', 'drain', 'end', 'notice', 'error']) client.on(event, () => events.push(event));
client.setMaxListeners(50);
await client.connect();
show('client', [client.host, typeof client.port, typeof client.user, typeof client.database, client.ssl]);
const call = (...about) =>
  new Promise((resolve) => client.query(...about, (error, result) => resolve([error, result])));
show('callback', (await call('SELECT $1::int AS n', [1]))[1].rows);
show('its error', (await call('SELECT 1 / 0'))[0].code);
// Postgres sends ReadyForQuery apart from the error, so when the client has drained is not known before a while.
await new Promise((resolve) => setTimeout(resolve, 50));
show('escapes', [client.escapeIdentifier('a"b'), client.escapeLiteral("a'b\\")]);
await client.query("DO $$ BEGIN RAISE NOTICE 'x'; END $$");
await new Promise((resolve) => setTimeout(resolve, 50));
await client.end();
await new Promise((resolve) => setTimeout(resolve, 50));
show('events', events);
const isError = (error) => error instanceof Error;
await attempt('after the end', () => client.query('SELECT 1'), isError);
await attempt('again', () => client.connect(), isError);

const lent = await pool.connect();
show('pool', [pool.totalCount, pool.idleCount, pool.waitingCount, pool.options.max, pool.ending, pool.ended]);
lent.release();
await attempt(
  'released twice',
  () => lent.release(),
  ({ message }) => message,
);
await pool.end();
await attempt(
  'after its end',
  () => pool.query('SELECT 1'),
  ({ message }) => message,
);
const { user, host, database, application_name } = parseIntoClientConfig(
  'postgres://u%40:p@h.x:5433/d%20b?application_name=x',
);
show('parseIntoClientConfig', { user, host, database, application_name });
console.log('done');
