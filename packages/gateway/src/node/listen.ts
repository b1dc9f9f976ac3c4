import type { Server } from 'node:net';

/** Where to listen; port 0 picks a free one. */
export interface ListenOn {
  host: string;
  port: number;
}

/** A port could not be opened. The message names it and what to change. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The system's: EADDRINUSE, EACCES, EADDRNOTAVAIL … */
  readonly code: string;
  readonly frontend: 'http' | 'tcp';
  readonly address: ListenOn;

  constructor(frontend: 'http' | 'tcp', address: ListenOn, cause: Error) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
    super(explain(frontend, address, code), { cause });
    this.code = code;
    this.frontend = frontend;
    this.address = address;
  }
}

/** Resolves with the address it really listens on. Rejects with ListenError. */
export function listen(server: Server, frontend: 'http' | 'tcp', on: ListenOn): Promise<ListenOn> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new ListenError(frontend, on, error));
    server.once('error', failed);
    server.listen({ host: on.host, port: on.port }, () => {
      server.off('error', failed);
      const address = server.address();
      const port = address !== null && typeof address !== 'string' ? address.port : on.port;
      resolve({ host: on.host, port });
    });
  });
}

function explain(frontend: 'http' | 'tcp', { host, port }: ListenOn, code: string): string {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const cure = `choose another with --${frontend} HOST:PORT (port 0 picks a free one)`;
  if (code === 'EADDRINUSE') return `port ${port} is in use already (${where}); ${cure}`;
  if (code === 'EACCES') return `port ${port} may not be opened by this user (${where}); ${cure}`;
  return `cannot listen on ${where}: ${code}; ${cure}`;
}
