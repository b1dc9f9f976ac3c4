// What libraries for node-postgres use of it, done with it on Postgres itself, and with ours.
import official from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { neonConfig } from '../config.ts';
import * as ours from '../pg.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway.fixture.ts';

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
  neonConfig.webSocketConstructor = WebSocket;
});
afterAll(() => gateway.close());

type Client = official.Client & {
  _connected?: boolean;
  _queryable?: boolean;
  connectionParameters: Record<string, unknown>;
};
type Use = (pg: typeof official, client: Client) => unknown;

/** What sql-template-strings makes. */
class Tagged {
  values = [5];
  get text(): string {
    return 'SELECT $1::int AS n';
  }
}

const tick = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const messageOf = (error: unknown): string => (error as Error).message;

/** Each gets a client that is not connected yet. */
const uses: Record<string, Use> = {
  async 'Sequelize, pg-promise: the connection of a new client tells its parameters'(_, client) {
    const told: Record<string, string> = {};
    (client as unknown as { connection: NodeJS.EventEmitter }).connection.on(
      'parameterStatus',
      ({ parameterName, parameterValue }) => {
        told[parameterName] = parameterValue;
      },
    );
    await client.connect();
    return [told.server_version, told.standard_conforming_strings];
  },

  async 'OpenTelemetry: where it leads'(_, client) {
    const { user, database, host, port } = client.connectionParameters;
    const { user: name, ...given } = client;
    return [user === name, database === given.database, host === given.host, port === given.port];
  },

  async 'zapatos: a client that is connected is no pool'({ Pool }, client) {
    const before = client._connected;
    await client.connect();
    return [before, client._connected, (new Pool() as { _connected?: boolean })._connected];
  },

  async 'pg-pool: a client that is alive may be lent again'(_, client) {
    await client.connect();
    client.on('error', () => {});
    const before = client._queryable;
    await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {});
    while (client._queryable) await tick(5);
    return [before, client._queryable];
  },

  async 'sql-template-strings: a getter for the text'({ Query }, client) {
    await client.connect();
    const { rows } = await client.query(new Tagged());
    const query = client.query(new Query(new Tagged() as never));
    const seen = await new Promise((resolve) => query.on('row', resolve));
    return [rows, seen];
  },

  async 'values that are no array'(_, client) {
    await client.connect();
    return client.query('SELECT 1', 5 as never).catch(messageOf);
  },

  async 'a callback beside a query'({ Query }, client) {
    await client.connect();
    const query = client.query as unknown as (...given: unknown[]) => unknown;
    const called = (...about: unknown[]) =>
      new Promise((resolve) => {
        query.call(client, new Query('SELECT 1 AS n'), ...about, (error: unknown, result: official.QueryResult) =>
          resolve([error, result.rows]),
        );
      });
    return [await called(), await called([])];
  },

  async 'pg-promise: what cannot be sent is told later'({ Query }, client) {
    await client.connect();
    await client.query({ name: 'same', text: 'SELECT 1' });
    const log: string[] = [];
    client.query({ name: 'same', text: 'SELECT 2' }, () => log.push('told'));
    log.push('returned');
    await tick(10);
    const query = client.query(new Query({ name: 'same', text: 'SELECT 2' }));
    query.on('error', () => log.push('heard'));
    await tick(10);
    return log;
  },

  async 'slonik: whoever awaits a query hears first that the server ended it'(_, client) {
    await client.connect();
    const log: string[] = [];
    client.on('error', () => log.push('error'));
    client.on('end', () => log.push('end'));
    let failed: Promise<unknown> = client.query('SELECT pg_terminate_backend(pg_backend_pid())');
    for (let depth = 0; depth < 5; depth++) {
      failed = failed.catch((error) => {
        throw error;
      });
    }
    await failed.catch(() => log.push('query'));
    while (!log.includes('end')) await tick(5);
    return log;
  },

  async 'db-errors: a field for each that Postgres may give'(_, client) {
    await client.connect();
    const error: object = await client.query('SELECT 1/0').catch((caught) => caught);
    return [...ours.errorFields, 'length'].filter((name) => name in error);
  },

  async 'MikroORM: parsers above those of the program'({ TypeOverrides, types }, client) {
    const overrides = new TypeOverrides();
    overrides.setTypeParser(23, (text) => `int ${text}`);
    await client.connect();
    const { rows } = await client.query({ text: 'SELECT 1 AS a, true AS b', types: overrides });
    return [rows, types.getTypeParser(23)('1')];
  },
};

describe('as with node-postgres', () => {
  test.each(Object.entries(uses))('%s', async (_, use) => {
    const outcome = async (pg: typeof official, url: string) => {
      const client = new pg.Client(url) as Client;
      try {
        return await use(pg, client);
      } finally {
        if (client._connected && client._queryable) await client.end();
      }
    };
    const theirs = await outcome(official, gateway.database.url);
    expect(await outcome(ours as never, gateway.url())).toEqual(theirs);
    expect(await outcome(ours as never, gateway.url({ query: '?options=pooled%3Dtrue' }))).toEqual(theirs);
  });
});

test('a cursor takes what has a getter for its text', async () => {
  const client = await new ours.Client(gateway.url()).connect();
  const rows: unknown[] = [];
  for await (const row of client.cursor(new Tagged())) rows.push(row);
  expect(rows).toEqual([{ n: 5 }]);
  await client.end();
});
