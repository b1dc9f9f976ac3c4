/** Accepts Postgres connections over TCP and turns them into TLS when asked to. */
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { SecuredStream, TlsUpgrade } from '../startup/caller.ts';
import type { TcpFrontend } from '../tcp/tcp-frontend.ts';
import { createSocketAcceptor } from './accepted-socket.ts';
import { createSocketStream, socketSecurity } from './socket-stream.ts';

/** A certificate with its chain, and its key, as PEM texts. */
export interface TlsCertificate {
  cert: string;
  key: string;
}

export interface TcpServerOptions {
  frontend: TcpFrontend;
  /** Absent: TLS requests are answered `N`. */
  tls?: TlsCertificate | undefined;
}

export interface TcpServer {
  readonly server: Server;
  /** For handshakes from now on. Only where there was a certificate. */
  setCertificate(tls: TlsCertificate): void;
  /** Ends every connection now. */
  destroyConnections(): void;
  /** Resolves when there are no connections. */
  whenEmpty(): Promise<void>;
}

const keepAliveMs = 60_000;
/** PostgreSQL's registered protocol name, required for TLS without SSLRequest. */
const alpnProtocol = 'postgresql';
/** libpq's asynchronous interface can stall when one record holds more than its buffer (reference/pooling.md §2.16). */
const maxTlsRecordBytes = 8_192;

export function createTcpServer({ frontend, tls }: TcpServerOptions): TcpServer {
  // Made once: a bad certificate stops the start, and handshakes share its session tickets.
  let secureContext = tls === undefined ? undefined : createSecureContext({ cert: tls.cert, key: tls.key });
  const sockets = new Set<Socket>();

  const acceptor = createSocketAcceptor();
  const whenEmpty: (() => void)[] = [];
  const settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs, pauseOnConnect: true };

  const server = createServer(settings, (accepted) => {
    const { socket, stream: plain } = acceptor.accept(accepted, { security: socketSecurity(accepted) });
    const whenClosed: (() => void)[] = [];
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      for (const callback of whenClosed) callback();
      if (sockets.size === 0) for (const callback of whenEmpty.splice(0)) callback();
    });
    let end = (): void => plain.end();
    frontend.connected({
      stream: plain,
      address: socket.remoteAddress ?? 'unknown',
      upgradeToTls:
        secureContext === undefined
          ? undefined
          : async (upgrade) => {
              plain.release();
              // Until the handshake is through, ending means dropping.
              end = () => void socket.destroy();
              const secured = await encryptSocket(socket, secureContext!, upgrade);
              end = () => secured.stream.end();
              return secured;
            },
      end: () => end(),
      whenClosed: (callback) => void whenClosed.push(callback),
    });
  });

  return {
    server,
    setCertificate({ cert, key }) {
      secureContext = createSecureContext({ cert, key });
    },
    destroyConnections() {
      for (const socket of sockets) socket.destroy();
    },
    whenEmpty: () => (sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => void whenEmpty.push(resolve))),
  };
}

function encryptSocket(socket: Socket, secureContext: SecureContext, upgrade: TlsUpgrade): Promise<SecuredStream> {
  return new Promise((resolve, reject) => {
    // The handshake that was read already goes back to where TLSSocket looks for it.
    if (upgrade.received.length > 0) socket.unshift(upgrade.received);
    const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: [alpnProtocol] });
    const failed = (error?: Error): void => {
      socket.destroy();
      reject(error ?? new Error('the connection was closed during the TLS handshake'));
    };
    secure.on('error', failed);
    secure.once('close', failed);
    secure.once('secure', () => {
      if (upgrade.isDirect && secure.alpnProtocol !== alpnProtocol) {
        secure.destroy();
        return;
      }
      secure.off('close', failed);
      secure.off('error', failed);
      secure.setMaxSendFragment(maxTlsRecordBytes);
      const { servername } = secure as TLSSocket & { servername?: string | false }; // missing in the type declarations
      resolve({
        stream: createSocketStream(secure, { security: 'tls' }),
        serverName: typeof servername === 'string' ? servername : undefined,
      });
    });
  });
}
