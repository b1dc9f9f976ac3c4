/** Reads `pg_authid.rolpassword` of one role, through a pooled session of the endpoint's own role. */
import { GatewayError } from '@postern/contract';
import { createMemoryStreamPair, type Engine, type Identity, type Target } from '@postern/pool';
import {
  BackendCode,
  concatBytes,
  createMessageReader,
  databaseErrorFrom,
  decodeDataRow,
  decodeText,
  encodeBind,
  encodeExecute,
  encodeParse,
  encodeSync,
} from '@postern/wire';

/** An expired password is no password (rolvaliduntil), a role that may not log in has none. */
const query = `select rolpassword from pg_catalog.pg_authid
  where rolname = $1 and rolcanlogin and (rolvaliduntil is null or rolvaliduntil > now())`;

/** A verifier has about 130 bytes; errors are longer. */
const maxMessageBytes = 65_536;

/** Null when there is no such role or it has no password. Rejects with DatabaseError, or what the pool says. */
export function readVerifier(
  engine: Pick<Engine, 'openSession'>,
  target: Target,
  role: Identity,
  user: string,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let answer: string | null = null;
    let failure: Error | undefined;
    const [ours, sessions] = createMemoryStreamPair();
    const reader = createMessageReader({
      maxMessageBytes,
      onMessage(code, body) {
        if (code === BackendCode.DataRow) {
          const [value] = decodeDataRow(body);
          answer = value ? decodeText(value) : null;
        } else if (code === BackendCode.ErrorResponse) {
          failure ??= databaseErrorFrom(body);
        } else if (code === BackendCode.ReadyForQuery) {
          reader.detach();
          ours.destroy();
          if (failure === undefined) resolve(answer);
          else reject(failure);
        }
      },
    });
    ours.onData = (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        ours.destroy();
        reject(error);
      }
      return undefined;
    };
    ours.onClose = (error) => {
      reject(failure ?? error ?? new GatewayError('server_connection_lost', 'the session ended without an answer'));
    };
    engine.openSession({
      stream: sessions,
      target,
      identity: role,
      mode: 'pooled',
      startupParameters: new Map([['client_encoding', 'UTF8']]),
      greeting: false,
      label: 'auth query',
    });
    ours.write(
      concatBytes([encodeParse('', query), encodeBind({ parameters: [user] }), encodeExecute(), encodeSync()]),
    );
  });
}
