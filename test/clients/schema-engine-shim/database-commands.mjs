// `schema-engine cli …`: does the database exist, make it, drop it. The native engine's exit codes and log lines.
import pg from 'pg';

const prismaCodes = new Map([
  ['3D000', 'P1003'],
  ['28P01', 'P1000'],
  ['ECONNREFUSED', 'P1001'],
]);

/** Returns the exit code. */
export async function runDatabaseCommand(command, url) {
  try {
    if (command === 'can-connect-to-database') await withClient(url, () => undefined);
    else if (command === 'create-database') await createDatabase(url);
    else if (command === 'drop-database') await dropDatabase(url);
    else throw new Error(`unknown command ${command}`);
    return 0;
  } catch (error) {
    // The CLI ignores the first line.
    console.error('schema-engine-shim');
    const fields = { is_panic: false, error_code: prismaCodes.get(error.code) ?? '', message: error.message };
    console.error(JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields }));
    return 1;
  }
}

/** Returns the name of the database. */
export async function createDatabase(url) {
  const name = databaseName(url);
  await withClient(maintenanceUrl(url), (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`));
  return name;
}

async function dropDatabase(url) {
  await withClient(maintenanceUrl(url), (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(databaseName(url))}`),
  );
  console.log('The database was successfully dropped');
}

function databaseName(url) {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

function maintenanceUrl(url) {
  return Object.assign(new URL(url), { pathname: '/postgres' }).href;
}

async function withClient(connectionString, use) {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
