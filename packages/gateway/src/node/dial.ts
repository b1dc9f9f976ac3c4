/** Opens byte streams to Postgres: TCP or Unix socket, with TLS as the endpoint's sslmode asks for. */
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { type Dial, FinalDialError, FrontViews, type Target } from '@postern/pool';
import { encodeSslRequest } from '@postern/wire';
import { createSocketStream, type SocketStream, socketSecurity } from './socket-stream.ts';

export interface DialOptions {
  /** One attempt to connect, TLS included. The engine's own budget spans several attempts. */
  connectTimeoutMs?: number;
  /** Idle time before the kernel probes a server connection, so that a firewall cannot lose it silently. */
  keepAliveMs?: number;
}

/** What one read may bring. A result of many rows comes in runs of this size, each forwarded as one write. */
const readBufferBytes = 65_536;

const tlsAccepted = 0x53; // 'S'

/** Errors carry the system's `code` (ECONNREFUSED, ENOTFOUND, ETIMEDOUT …) or `POSTGRES_WITHOUT_TLS`, and name the target. */
export function createDial(options: DialOptions = {}): Dial {
  const { connectTimeoutMs = 5_000, keepAliveMs = 60_000 } = options;

  return function dial(target) {
    return new Promise<SocketStream>((resolve, reject) => {
      // Bytes of the SSLRequest's answer come here; after that the stream takes over.
      let receive = (_bytes: Uint8Array): boolean => false;
      let place = new FrontViews(new Uint8Array(readBufferBytes));
      const socket = connect({
        ...(target.host.startsWith('/')
          ? { path: `${target.host}/.s.PGSQL.${target.port}` }
          : { host: target.host, port: target.port }),
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveMs,
        // Reading into our own memory again and again spares an allocation per read (reference/pooling.md §4.3).
        onread: {
          buffer: () => place.memory,
          callback(count) {
            if (receive(place.first(count))) place = new FrontViews(new Uint8Array(readBufferBytes));
            return true;
          },
        },
      });
      let current: Socket = socket;
      const timer = setTimeout(
        () => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
        connectTimeoutMs,
      );

      function fail(error: Error, isFinal = false): void {
        clearTimeout(timer);
        current.destroy();
        socket.destroy();
        reject(describeDialError(error, target, isFinal));
      }

      function closedEarly(): void {
        fail(Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' }));
      }

      function succeed(stream: SocketStream): void {
        clearTimeout(timer);
        current.off('error', failed);
        current.off('close', closedEarly);
        resolve(stream);
      }

      function plainStream(): SocketStream {
        const stream = createSocketStream(socket, { security: socketSecurity(socket), isReadByHand: true });
        receive = (bytes) => stream.receive(bytes);
        return stream;
      }

      function failed(error: Error): void {
        // Set when the certificate was not accepted.
        fail(error, current instanceof TLSSocket && Boolean(current.authorizationError));
      }

      socket.on('error', failed);
      socket.on('close', closedEarly);
      socket.once('connect', () => {
        if (target.tls === 'disable') return succeed(plainStream());
        receive = (answer) => {
          // More than the one byte means someone slipped in bytes before the encryption (CVE-2021-23222).
          if (answer.length !== 1) fail(new Error('unexpected bytes after the answer to the TLS request'));
          else if (answer[0] === tlsAccepted) startTls();
          else if (target.tls === 'prefer') succeed(plainStream());
          else
            fail(Object.assign(new Error('the server does not support TLS'), { code: 'POSTGRES_WITHOUT_TLS' }), true);
          return false;
        };
        socket.write(encodeSslRequest());
      });

      function startTls(): void {
        receive = () => false;
        const { rootCertificates } = target;
        let ca: Buffer | undefined;
        try {
          // Read each time: a new one counts without a restart.
          if (rootCertificates !== undefined) ca = readFileSync(rootCertificates);
        } catch (error) {
          fail(error as Error, true);
          return;
        }
        const secure: TLSSocket = connectTls({
          socket,
          rejectUnauthorized: target.tls === 'verify-full',
          ...(isIP(target.host) === 0 ? { servername: target.host } : { host: target.host }),
          ...(ca === undefined ? {} : { ca }),
        });
        current = secure;
        socket.off('close', closedEarly);
        secure.on('error', failed);
        secure.on('close', closedEarly);
        secure.once('secureConnect', () => succeed(createSocketStream(secure, { security: 'tls' })));
      }
    });
  };
}

function describeDialError(error: Error, target: Target, isFinal: boolean): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const where = target.host.startsWith('/')
    ? `${target.host}/.s.PGSQL.${target.port}`
    : `${target.host}:${target.port}`;
  // Node's AggregateError for a host name with several addresses has an empty message.
  const what = error.message === '' ? (code ?? 'connection failed') : error.message;
  const message = `${where}: ${what}`;
  if (isFinal) return new FinalDialError(code ?? 'TLS', message, error);
  return Object.assign(new Error(message, { cause: error }), code === undefined ? {} : { code });
}
