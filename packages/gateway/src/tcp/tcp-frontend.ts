/** Callers over TCP: psql, pg, Prisma's CLI. Sockets and TLS are node/tcp-server.ts. */
import { GatewayError } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { encodeErrorResponse } from '@postern/wire';
import type { LogEvent } from '../events.ts';
import type { Admission } from '../startup/admission.ts';
import type { Caller } from '../startup/caller.ts';
import { refusalOf } from '../startup/refusal.ts';
import type { AcceptCaller } from '../startup/startup.ts';
import { httpAtPostgres, postgresAtHttp } from '../startup/wrong-port.ts';
import { httpAnswer } from './http-answer.ts';

export interface TcpFrontendOptions {
  accept: AcceptCaller;
  admission: Admission;
  log: LogEvent;
  /** See GatewayPlatform. */
  ownPorts: () => readonly number[];
}

/** One accepted connection. */
export interface TcpConnection {
  readonly stream: ByteStream;
  readonly address: string;
  readonly upgradeToTls?: Caller['upgradeToTls'];
  /** It came to the port of HTTP: it is told where to go instead. */
  readonly isAtHttp?: boolean;
  /** Ends the connection whatever it has become (plain, TLS, in between). */
  end(): void;
  /** Calls back once when the socket is gone. */
  whenClosed(callback: () => void): void;
}

export interface TcpFrontend {
  connected(connection: TcpConnection): void;
}

export function createTcpFrontend({ accept, admission, log, ownPorts }: TcpFrontendOptions): TcpFrontend {
  const toHttp = (): ReturnType<NonNullable<Caller['httpAnswer']>> => {
    const error = httpAtPostgres(ownPorts()[0]);
    return { error, bytes: httpAnswer(error) };
  };

  return {
    connected(connection) {
      const { stream, address, isAtHttp = false } = connection;
      const ticket = admission.admit(address);
      if ('refusal' in ticket) {
        const error = new GatewayError('too_many_sessions', ticket.refusal);
        log({
          event: 'caller_refused',
          transport: 'tcp',
          address,
          code: error.code,
          sqlstate: error.sqlstate,
          message: error.message,
        });
        // Before any request, as a Postgres that cannot fork does; libpq shows it.
        stream.write(encodeErrorResponse(refusalOf(error).fields));
        connection.end();
        return;
      }
      connection.whenClosed(() => ticket.release());
      accept({
        transport: 'tcp',
        stream,
        address,
        upgradeToTls: connection.upgradeToTls,
        ...(isAtHttp ? { refusal: postgresAtHttp(ownPorts()[1]) } : { httpAnswer: toHttp }),
        end: () => connection.end(),
        authenticated: () => ticket.authenticated(),
        whenClosed: (callback) => connection.whenClosed(callback),
      });
    },
  };
}
