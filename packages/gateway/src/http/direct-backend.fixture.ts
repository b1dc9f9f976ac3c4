// For tests: a SqlBackend without a pool. Each session is a connection of its own to a real Postgres, which is the
// judge of what the HTTP frontend sends.

import type { ByteStream } from '@postern/pool';
import { connectRaw, connectStream, type RawClient } from '@postern/testkit';
import { encodeCancelRequest } from '@postern/wire';
import type { AuthenticatedCaller, SqlBackend, SqlCredentials } from './sql-backend.ts';

export interface DirectCaller extends AuthenticatedCaller {
  readonly credentials: SqlCredentials;
}

export function createDirectBackend(server: {
  readonly host: string;
  readonly port: number;
}): SqlBackend<DirectCaller> {
  const connect = (credentials: SqlCredentials, params: Readonly<Record<string, string>>): Promise<RawClient> =>
    connectRaw({
      ...server,
      ...{ user: credentials.user, password: credentials.password ?? '', database: credentials.database },
      params,
    });

  return {
    async authenticate(credentials) {
      await (await connect(credentials, {})).end();
      const { user, password, database } = credentials;
      return { databaseKey: database, callerKey: JSON.stringify([user, password, database]), credentials };
    },
    openSession(caller, stream, { startupParameters }) {
      const early: Uint8Array[] = [];
      stream.onData = (bytes) => {
        early.push(bytes.slice());
        return undefined;
      };
      void connect(caller.credentials, Object.fromEntries(startupParameters)).then(
        (client) => relay(server, client, stream, early),
        (error) => stream.destroy(error),
      );
    },
  };
}

function relay(
  server: { readonly host: string; readonly port: number },
  client: RawClient,
  stream: ByteStream,
  early: readonly Uint8Array[],
): void {
  const upstream = client.stream;
  upstream.onData = (bytes) => {
    stream.write(bytes);
    return undefined;
  };
  upstream.onClose = () => stream.end();
  stream.onData = (bytes) => {
    upstream.write(bytes);
    return undefined;
  };
  stream.onClose = () => {
    // What the pool does when a caller vanishes: cancel, then close.
    void connectStream(server.host, server.port).then((canceller) => {
      canceller.write(encodeCancelRequest(client.processId, client.secretKey));
      canceller.onClose = () => upstream.destroy();
    });
  };
  for (const bytes of early) upstream.write(bytes);
}
