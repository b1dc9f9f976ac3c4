/** The gateway on Node: its ports, sockets, TLS and clock. */
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { availableParallelism } from 'node:os';
import { getRequestListener } from '@hono/node-server';
import { defectEvent, type LogEvent } from '../events.ts';
import { createGateway, type Gateway, type GatewayConfig } from '../gateway.ts';
import type { GatewayStats } from '../gateway-stats.ts';
import type { SqlHandler } from '../http/sql-handler.ts';
import type { WorkerSeat } from '../workers/worker-seat.ts';
import { createNodeAuthCrypto } from './auth-crypto.ts';
import { callerPlace } from './caller-place.ts';
import { createNodeClock } from './clock.ts';
import { createDial, type DialOptions } from './dial.ts';
import { createSqlListener } from './http-sql.ts';
import { createUpgradeListener } from './ignored-upgrade.ts';
import { type ListenOn, listen } from './listen.ts';
import { createForward, peerPath, startPeerServer } from './peer-requests.ts';
import { createSocketStream, socketSecurity } from './socket-stream.ts';
import { createSqlFront, type SqlFront } from './sql-front.ts';
import { watchSqlLoad } from './sql-load.ts';
import { createStartCompiler } from './start-compiler.ts';
import { createTcpServer, type TlsCertificate } from './tcp-server.ts';
import { createWebSocketUpgrade } from './websocket-upgrade.ts';

export interface StartGatewayOptions extends GatewayConfig {
  /** HTTP and WebSocket. */
  http: ListenOn;
  /** The Postgres protocol over TCP; undefined: not served. */
  tcp?: ListenOn | undefined;
  /** Turns on TLS: https and wss on the one port, TLS on request on the other. */
  tls?: TlsCertificate | undefined;
  /** How Postgres is reached. */
  dial?: DialOptions | undefined;
  /** One of several processes on the same ports; `folder` is where they reach each other, and nobody else's to enter. */
  worker?: { readonly seat: WorkerSeat; readonly folder: string } | undefined;
  /** Many requests to `/sql` come (true), or few again: for who saves memory at the cost of time. */
  onSqlLoad?: ((isHigh: boolean) => void) | undefined;
  log: LogEvent;
}

export interface RunningGateway {
  /** With the real port. */
  readonly httpAddress: ListenOn;
  readonly tcpAddress: ListenOn | undefined;
  stats(): GatewayStats;
  /** A renewed certificate, for connections from now on. Only where TLS is on; throws when it is no usable pair. */
  setCertificate(tls: TlsCertificate): void;
  /** Stops accepting, lets running transactions finish for so long, closes everything. May be called twice. */
  close(graceMs: number): Promise<void>;
}

/** Time a request's headers, and the whole request, may take to arrive. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 120_000;
/** Longer than the idle time of the usual load balancers, so that they never use a connection we just closed. */
const keepAliveTimeoutMs = 65_000;
/** How long a caller may take nothing of its answer. */
const stallTimeoutMs = 60_000;
/** HTTP connections at once; most are idle ones that edge platforms keep. */
const maxHttpConnections = 20_000;
/** Time for the last errors to reach callers, and for callers to close, after the end. */
const goodbyeMs = 1_000;

/** Opens the ports. Rejects with ListenError, or with an Error naming what is wrong in the configuration. */
export async function startGateway(options: StartGatewayOptions): Promise<RunningGateway> {
  const ports: number[] = [];
  const { worker } = options;
  const clock = createNodeClock();
  const gateway = createGateway(
    { poolSize: 2 * availableParallelism() + 1, ...withoutUndefined(options) },
    {
      clock,
      crypto: createNodeAuthCrypto(),
      dial: createDial(options.dial),
      soon: (callback) => void setImmediate(callback),
      log: options.log,
      ownPorts: () => ports,
      startCompiler: createStartCompiler(),
      worker: worker && { seat: worker.seat, forward: createForward((number) => peerPath(worker.folder, number)) },
    },
  );
  const peers = worker && (await startPeerServer(peerPath(worker.folder, worker.seat.number), gateway));
  const { onSqlLoad } = options;
  const sql = onSqlLoad === undefined ? gateway.sql : watchSqlLoad(gateway.sql, clock, onSqlLoad);
  const { server: http, front } = createHttp(gateway, sql, options);
  http.on('upgrade', createUpgradeListener(http, createWebSocketUpgrade({ frontend: gateway.webSockets })));
  const tcp = options.tcp === undefined ? undefined : createTcpServer({ frontend: gateway.tcp, tls: options.tls });

  const httpAddress = await listen(http, 'http', options.http);
  ports.push(httpAddress.port);
  let tcpAddress: ListenOn | undefined;
  if (tcp !== undefined && options.tcp !== undefined) {
    try {
      tcpAddress = await listen(tcp.server, 'tcp', options.tcp);
      ports.push(tcpAddress.port);
    } catch (error) {
      http.close();
      throw error;
    }
  }

  async function close(graceMs: number): Promise<void> {
    const closed = [tcp === undefined ? undefined : closeServer(tcp.server)];
    await gateway.close(graceMs, () => {
      closed.push(closeServer(http));
      http.closeIdleConnections();
      front.close();
    });
    http.closeIdleConnections();
    // The servers do not count sockets that were taken over from them (accepted-socket.ts).
    const gone = Promise.all([...closed, gateway.webSockets.whenEmpty(), tcp?.whenEmpty()]);
    await Promise.race([gone, sleep(goodbyeMs)]);
    gateway.webSockets.destroyCallers();
    tcp?.destroyConnections();
    peers?.close().closeAllConnections();
    http.closeAllConnections();
    front.destroyConnections();
    await gone;
  }

  let closing: Promise<void> | undefined;
  return {
    httpAddress,
    tcpAddress,
    stats: () => gateway.stats(),
    setCertificate(tls) {
      if (!(http instanceof HttpsServer)) throw new Error('TLS is off; to turn it on takes a restart');
      http.setSecureContext(tls);
      tcp?.setCertificate(tls);
    },
    close(graceMs) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

function createHttp(
  { app, tcp }: Pick<Gateway, 'app' | 'tcp'>,
  sql: SqlHandler,
  { tls, log }: Pick<StartGatewayOptions, 'tls' | 'log'>,
): { server: HttpServer; front: SqlFront } {
  // Without replacing the global Request and Response: the process is not ours alone.
  const appListener = getRequestListener(
    (request, { incoming }) => app.fetch(request, { caller: callerPlace(incoming) }),
    {
      overrideGlobalObjects: false,
      // Of requests without Host, as load balancers ask after one's health in HTTP/1.0.
      hostname: 'localhost',
    },
  );
  const sqlListener = createSqlListener(sql, { stallTimeoutMs });
  const serve: RequestListener = (request, response) => {
    // The one route where microseconds count goes around the app.
    if (!sqlListener(request, response)) void appListener(request, response);
  };
  const checkIntervalMs = headersTimeoutMs / 2;
  const settings = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createHttpServer(settings, serve)
      : createHttpsServer({ ...settings, ...tls, handshakeTimeout: headersTimeoutMs }, serve);
  server.maxConnections = maxHttpConnections;
  const front = createSqlFront(server, {
    handler: sql,
    ...{ headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, stallTimeoutMs, checkIntervalMs },
    onDefect: (error) => log(defectEvent('http connection', error)),
    onPostgres(socket) {
      const stream = createSocketStream(socket, { security: socketSecurity(socket) });
      tcp.connected({
        ...{ stream, address: socket.remoteAddress ?? 'unknown', isAtHttp: true },
        end: () => stream.end(),
        whenClosed: (callback) => void socket.once('close', callback),
      });
    },
  });
  return { server, front };
}

/** Resolves when the last connection is gone. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds).unref());
}

/** So that a key that is there but undefined does not hide a default. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T; // only optional keys hold undefined
}
