import { formatAddress, type ListenAddress } from './config/listen-address.ts';
import { StartError } from './usage-error.ts';

/** Something that could not listen, as an error that names the port and says how to choose another. */
export function explainListenError(error: unknown, wanted: { http: ListenAddress; tcp: ListenAddress }): unknown {
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  const name = port === wanted.http.port ? 'http' : 'tcp';
  const where = formatAddress({ host: address ?? wanted[name].host, port: port ?? wanted[name].port });
  const other = `choose another with --${name} HOST:PORT or POSTERN_${name.toUpperCase()} (port 0 picks a free one)`;
  const what = name === 'http' ? 'HTTP and WebSocket' : 'the Postgres protocol';
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(`port ${port} for ${what} is taken on ${where}; ${other}`);
    case 'EACCES':
      return new StartError(`no permission to listen on ${where} for ${what}; ${other}`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`${wanted[name].host} is not an address of this machine; ${other}`);
    default:
      return error;
  }
}
