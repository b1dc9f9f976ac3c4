/** A plain connection to Postgres for the harness itself: set-up, observation, clean-up. */
import { openTcp } from './byte-connection.ts';
import { createCaller } from './caller.ts';
import { reportFields } from './trace-line.ts';

/** Where Postgres is, and as whom the harness talks to it. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface DirectConnection {
  /** Runs SQL; resolves to the first column of the first row as text, `''` when there is none. Throws on an error. */
  query(sql: string): Promise<string>;
  close(): Promise<void>;
}

export async function openDirect(server: Server, database: string): Promise<DirectConnection> {
  const connect = () => openTcp(server.port, server.host);
  const caller = createCaller('harness', await connect(), {
    waitLimitMs: 20_000,
    user: server.user,
    password: server.password,
    database,
    beforeSend: async () => {},
    connect,
  });
  await caller.login({ parameters: { application_name: 'conformance harness' } });
  return {
    async query(sql) {
      const from = caller.received.length;
      await caller.query(sql);
      const answer = caller.received.slice(from);
      const failure = answer.find((found) => found.type === 'E');
      if (failure !== undefined) throw new Error(`${reportFields(failure.body).get('M')} in: ${sql.slice(0, 200)}`);
      const row = answer.find((found) => found.type === 'D');
      if (row === undefined) return '';
      const length = row.body.readInt32BE(2);
      return length === -1 ? '' : row.body.toString('utf8', 6, 6 + length);
    },
    close: () => caller.terminate(),
  };
}
