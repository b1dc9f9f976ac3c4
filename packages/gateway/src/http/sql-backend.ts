// What the HTTP frontend needs from the rest of the gateway: somebody to verify credentials, and somebody to play a
// Postgres session on a byte stream. Implemented by the gateway's core, and by small fakes in tests.

import type { GatewayOptions } from '@postern/contract';
import type { ByteStream, StreamSecurity } from '@postern/pool';
import type { CallerLimits } from './caller-limits.ts';

/** Who wants in, and where to; from the connection string header. */
export interface SqlCredentials {
  /** Lower case; picks the endpoint together with `options.endpoint`. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string;
  /** undefined only if there is a token, or an API key among the options. */
  readonly password: string | undefined;
  /** From `Authorization: Bearer …`. */
  readonly bearerToken: string | undefined;
  readonly database: string;
  readonly options: GatewayOptions;
  readonly remoteAddress: string | undefined;
  /** Who could have read them on their way. */
  readonly security: StreamSecurity;
  /** The same object means the same credentials: what is known of them need not be found out again. */
  readonly source: object;
}

/** A caller whose credentials were accepted. What else it holds is the backend's business. */
export interface AuthenticatedCaller {
  /** Names the database behind it: the same key means the same types (type-catalogue.ts). */
  readonly databaseKey: string;
  /** Names who it is: the same for the same endpoint, database, role and proof, and for nobody else. */
  readonly callerKey: string;
  /** Where they are not everybody's. */
  readonly limits?: CallerLimits | undefined;
}

export interface SqlSessionOptions {
  /** Settings for the session; always has client_encoding UTF8. Neither user nor database nor gateway options. */
  readonly startupParameters: ReadonlyMap<string, string>;
  readonly options: GatewayOptions;
}

/** A session that may serve further requests. */
export interface SqlSession {
  /** All is answered, and a further user would notice nothing of the former but the statements it named. */
  readonly isUntouched?: boolean;
  /** Set while no request has it. */
  isSpare?: boolean;
}

export interface SqlBackend<Caller extends AuthenticatedCaller = AuthenticatedCaller> {
  /**
   * Accepts or rejects the caller. Rejects with a GatewayError, an engine's error or a DatabaseError; whoever is
   * unknown gets `password authentication failed` (`passwordAuthenticationFailed`). The body is not read before.
   */
  authenticate(credentials: SqlCredentials): Caller | Promise<Caller>;
  /**
   * Starts a pooled session without a greeting: the first bytes on `stream`, in either direction, are messages of a
   * session that is ready for queries. `stream.onData` must be set when this returns. When `stream.onClose` is called
   * the caller is gone: what runs is cancelled, what is open is rolled back.
   * What it returns lets requests of one caller have the session one after another; nothing: each has its own.
   */
  openSession(caller: Caller, stream: ByteStream, options: SqlSessionOptions): SqlSession | undefined;
}
