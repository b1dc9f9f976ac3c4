// Whether a `/sql` request comes from somebody who may come in, before anything of its body is read.

import type { AuthenticatedCaller, SqlBackend, SqlCredentials } from './sql-backend.ts';
import type { SqlHttpRequest } from './sql-handler.ts';
import { createSqlHeadingReader, type SqlHeading } from './sql-heading.ts';

/** Rejects as the handler would. */
export type CheckCaller = (request: SqlHttpRequest) => Promise<void>;

export function createCallerCheck(backend: Pick<SqlBackend<AuthenticatedCaller>, 'authenticate'>): CheckCaller {
  const readHeading = createSqlHeadingReader();
  return async (request) => {
    const heading = readHeading((name) => request.header(name));
    await backend.authenticate(credentialsOf(heading, request));
  };
}

/** What a heading says about who it is, and how that came here. */
export function credentialsOf(
  heading: SqlHeading,
  { remoteAddress, security }: Pick<SqlHttpRequest, 'remoteAddress' | 'security'>,
): SqlCredentials {
  const { host, port, user, password, database } = heading.target;
  const { bearerToken, options } = heading;
  return { host, port, user, password, bearerToken, database, options, remoteAddress, security, source: heading };
}
