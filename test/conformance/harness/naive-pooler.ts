/**
 * The pooler this project must not be: one server connection, lent until ReadyForQuery, never reset, nothing renamed.
 * It exists so that the harness can be seen to fail (harness.test.ts).
 */
import { createMessageReader } from './backend-message.ts';
import type { ByteConnection } from './byte-connection.ts';
import { openTcp } from './byte-connection.ts';
import type { Server } from './direct-query.ts';
import { bytes, int32, message, password, startup } from './frontend-message.ts';
import type { OpenRoute, Route } from './route.ts';

interface Client {
  readonly connection: ByteConnection;
  readonly waiting: Uint8Array[];
}

/** A route over the naive pooler. Faults are none of its business. */
export function createNaivePoolerRoute(server: Server): OpenRoute {
  return async ({ database }): Promise<Route> => {
    const upstream = await openTcp(server.port, server.host);
    const greeting: Uint8Array[] = [];
    const queue: Client[] = [];
    const sockets = new Set<ByteConnection>();
    let owner: Client | undefined;
    let owed = 0;
    let nextProcessId = 1;

    const loggedIn = new Promise<void>((resolve) => {
      const reader = createMessageReader();
      upstream.onData = (chunk) => {
        for (const found of reader.push(chunk)) {
          const raw = message(found.type, found.body);
          if (greeting.at(-1)?.[0] === 'Z'.charCodeAt(0)) {
            if (found.type === 'Z') owed -= 1;
            owner?.connection.onData(raw);
            if (found.type === 'Z' && found.body[0] === 'I'.charCodeAt(0) && owed === 0) lend();
          } else if (found.type === 'R' && found.body.readInt32BE(0) === 3) {
            upstream.write(password(server.password));
          } else if (found.type !== 'K') {
            greeting.push(raw);
            if (found.type === 'Z') resolve();
          }
        }
      };
    });
    upstream.write(startup({ user: server.user, database }));
    await loggedIn;

    function lend(): void {
      owner = queue.shift();
      if (owner !== undefined) for (const held of owner.waiting.splice(0)) forward(held);
    }
    function forward(sent: Uint8Array): void {
      if ('SQF'.includes(String.fromCharCode(sent[0]!))) owed += 1;
      upstream.write(sent);
    }

    return {
      kind: 'tcp-pooled',
      async connect() {
        const reader = createMessageReader();
        let isGreeted = false;
        const client: Client = {
          waiting: [],
          connection: {
            onData: () => {},
            onClose: () => {},
            write(sent) {
              if (!isGreeted && isCancelRequest(sent)) return client.connection.end();
              if (!isGreeted) {
                isGreeted = true;
                const key = message('K', bytes(int32(nextProcessId++), int32(0)));
                const answer = bytes(...greeting.slice(0, -1), key, greeting.at(-1)!);
                setImmediate(() => client.connection.onData(answer));
                return;
              }
              for (const found of reader.push(sent)) {
                if (found.type === 'X') return client.connection.end();
                const raw = message(found.type, found.body);
                if (owner === client) {
                  forward(raw);
                } else {
                  client.waiting.push(raw);
                  if (!queue.includes(client)) queue.push(client);
                  if (owner === undefined) lend();
                }
              }
            },
            end: () => setImmediate(() => client.connection.onClose()),
            reset: () => setImmediate(() => client.connection.onClose()),
          },
        };
        sockets.add(client.connection);
        return client.connection;
      },
      faults: () => [],
      close: async () => upstream.reset(),
    };
  };
}

/** Nobody is cancelled. */
function isCancelRequest(sent: Uint8Array): boolean {
  return new DataView(sent.buffer, sent.byteOffset).getInt32(4) === 80_877_102;
}
