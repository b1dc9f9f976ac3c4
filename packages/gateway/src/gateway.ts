/**
 * The gateway without any socket: engine, endpoints, authentication and frontends put together. What runs it (Node today)
 * brings time, cryptography and a way to reach Postgres, and hands over callers.
 */
import { GatewayError } from '@postern/contract';
import { type Clock, createEngine, type Dial, defaultLimits, type EngineLimits } from '@postern/pool';
import { createAccelerate, createPrismaService } from './accelerate/create-accelerate.ts';
import { mountAccelerate } from './accelerate/mount-accelerate.ts';
import type { AuthCrypto } from './auth/auth-crypto.ts';
import { type AuthenticatorOptions, createAuthenticator } from './auth/authenticator.ts';
import { readVerifier } from './auth/read-verifier.ts';
import { createScramVerifiers } from './auth/scram-verifiers.ts';
import { createResultCache, defaultCacheBytes } from './cache/result-cache.ts';
import { createSqlCache } from './cache/sql-cache.ts';
import type { StartCompiler } from './data-proxy/compiler-thread.ts';
import { createDataProxy } from './data-proxy/create-data-proxy.ts';
import { mountDataProxy } from './data-proxy/mount-data-proxy.ts';
import type { CompilerLimits } from './data-proxy/query-compilers.ts';
import { createEndpoint, type EndpointConfig, endpointTarget } from './endpoints/endpoint.ts';
import { createEndpointDirectory } from './endpoints/resolve-endpoint.ts';
import { defectEvent, type LogEvent } from './events.ts';
import type { GatewayStats } from './gateway-stats.ts';
import { createHttpApp } from './http/app.ts';
import { createCallerCheck } from './http/caller-check.ts';
import type { HttpApp } from './http/http-app.ts';
import { createSqlHandler, type SqlHandler } from './http/sql-handler.ts';
import { createSqlTransactions, defaultTransactionLimits, type TransactionLimits } from './http/sql-transactions.ts';
import { createKeyAccess } from './keys/key-access.ts';
import { createKeyLogin } from './keys/key-login.ts';
import { createKeyRing, fixedKeys, type KeySource } from './keys/key-ring.ts';
import { type PlanName, type PlanSettings, resolvePlans } from './plans/plan.ts';
import { createRateLimiter } from './plans/rate-limiter.ts';
import { createSqlBackend } from './sql-backend.ts';
import { type AdmissionOptions, createAdmission } from './startup/admission.ts';
import type { LoginRules } from './startup/login.ts';
import { createStartup } from './startup/startup.ts';
import { createTcpFrontend, type TcpFrontend } from './tcp/tcp-frontend.ts';
import { createWorkplace, type WorkerPlace } from './workers/workplace.ts';
import { createWebSocketFrontend, type WebSocketFrontend } from './ws/websocket-frontend.ts';

/** What the operator decides. */
export interface GatewayConfig {
  /** At least one. */
  endpoints: readonly EndpointConfig[];
  /** Server connections per pool, where the endpoint does not say otherwise. */
  poolSize?: number | undefined;
  /** The engine's other limits. */
  limits?: Partial<EngineLimits> | undefined;
  /** How WebSocket and TCP callers prove who they are; default `auto`, see LoginRules. */
  authMethod?: LoginRules['authMethod'] | undefined;
  /** Take passwords over connections that are neither encrypted nor local; default false. */
  acceptPlainPasswords?: boolean | undefined;
  /** Time a caller may keep us waiting until it is logged in; default 10 s. */
  authTimeoutMs?: number | undefined;
  /** How long a password that Postgres accepted is good without asking again; default 5 min. */
  credentialLifetimeMs?: number | undefined;
  /** Callers at once, and how many of them unauthenticated. */
  admission?: AdmissionOptions | undefined;
  /** Largest WebSocket message; default 64 MiB. */
  maxWebSocketMessageBytes?: number | undefined;
  /** Longest body of an HTTP request and response; default 10 MiB each. */
  maxRequestBytes?: number | undefined;
  maxResponseBytes?: number | undefined;
  /** Interactive transactions over HTTP. */
  transactions?: Partial<TransactionLimits> | undefined;
  /** API keys, in place of a role's password and for the Accelerate-compatible routes; default none: every key is refused. */
  keys?: KeySource | undefined;
  /** Changes to the plans that keys name, and further plans. */
  plans?: Readonly<Record<PlanName, PlanSettings>> | undefined;
  /** Memory for cached results; default 64 MiB. */
  cacheBytes?: number | undefined;
  /** `https://gate.example.com`: how callers reach this gateway, where what their requests say is not it. */
  publicOrigin?: string | undefined;
  /** Log HTTP requests that succeed, too; default true. Costs a fifth of a small one. */
  logsSuccess?: boolean | undefined;
  /** Query compilers for Prisma Clients that bring none. */
  compilers?: Partial<CompilerLimits> | undefined;
}

/** What the platform provides. */
export interface GatewayPlatform {
  clock: Clock;
  crypto: AuthCrypto;
  dial: Dial;
  /** Calls back once the events that are there now have been dealt with (setImmediate). */
  soon?: (callback: () => void) => void;
  /** Memory for output, of the kind the platform's sockets like best. */
  allocate?: (bytes: number) => Uint8Array;
  log: LogEvent;
  /** Ports this gateway can be reached at, once it listens: that of HTTP, and that of TCP if there is one. */
  ownPorts: () => readonly number[];
  /** Where several processes serve the same ports. */
  worker?: WorkerPlace | undefined;
  /** Runs Prisma's query compiler; undefined: clients that bring none are not served. */
  startCompiler?: StartCompiler | undefined;
}

export interface Gateway {
  readonly webSockets: WebSocketFrontend;
  readonly tcp: TcpFrontend;
  /** `POST /sql`, for platforms that have a faster way than the app. */
  readonly sql: SqlHandler;
  /** Every HTTP route. */
  readonly app: HttpApp;
  stats(): GatewayStats;
  /**
   * Takes no new sessions, lets running transactions finish within the grace, ends everything else. `noneOpen` is called
   * once no transaction over HTTP needs further requests.
   */
  close(graceMs: number, noneOpen?: () => void): Promise<void>;
}

/** Throws an Error that names the key when the configuration makes no sense. */
export function createGateway(config: GatewayConfig, platform: GatewayPlatform): Gateway {
  const { clock, crypto, dial, log } = platform;
  const workplace = createWorkplace(platform.worker);
  let isClosing = false;
  const { maxWebSocketMessageBytes = 67_108_864 } = config;
  const endpoints = config.endpoints.map(createEndpoint);
  const directory = createEndpointDirectory({ endpoints, ownPorts: platform.ownPorts });
  const limits = workplace.limits({
    ...config.limits,
    ...(config.poolSize === undefined ? {} : { poolSize: config.poolSize }),
  });
  const engine = createEngine({
    dial,
    clock,
    random: (count) => crypto.randomBytes(count),
    ...(platform.allocate === undefined ? {} : { allocate: platform.allocate }),
    ...(platform.soon === undefined ? {} : { soon: platform.soon }),
    ...workplace.engine,
    limits,
    log(event) {
      // Postgres changed its mind about a credential: the next caller with it is checked again.
      if (event.event === 'server_login_refused' && typeof event.identity === 'string') {
        authenticator.forget(event.identity);
        platform.worker?.seat.forget(event.identity);
      }
      const { identity: _, ...told } = event;
      log(told);
    },
  });
  const authenticatorOptions: AuthenticatorOptions = {
    engine,
    clock,
    crypto,
    connectTimeoutMs: limits.connectTimeoutMs ?? defaultLimits.connectTimeoutMs,
    ...workplace.authenticator,
    ...(config.credentialLifetimeMs === undefined ? {} : { credentialLifetimeMs: config.credentialLifetimeMs }),
  };
  const authenticator = createAuthenticator(authenticatorOptions);
  const verifiers = createScramVerifiers({
    endpoints,
    authenticator,
    clock,
    crypto,
    readVerifier: (endpoint, role, user) =>
      readVerifier(engine, endpointTarget(endpoint, endpoint.database), role, user),
  });
  const keys = createKeyRing(config.keys ?? fixedKeys([]));
  const accessOf = createKeyAccess({
    endpoints,
    plans: resolvePlans(config.plans),
    passwordIdentity: authenticator.passwordIdentity,
  });
  const keyLogin = createKeyLogin({ keys, accessOf, authenticator, clock });
  const { acceptPlainPasswords = false } = config;
  const admission = createAdmission(config.admission, workplace.part);
  const accept = createStartup({
    engine: workplace.callersEngine(engine),
    directory,
    authenticator,
    crypto,
    verifiers,
    keys: keyLogin,
    clock,
    log,
    authMethod: config.authMethod ?? 'auto',
    acceptPlainPasswords,
    authTimeoutMs: config.authTimeoutMs ?? 10_000,
    maxPipelinedBytes: maxWebSocketMessageBytes,
  });
  const webSockets = createWebSocketFrontend({
    accept,
    admission,
    clock,
    log,
    maxMessageBytes: maxWebSocketMessageBytes,
    authTimeoutMs: config.authTimeoutMs ?? 10_000,
    ...(platform.allocate === undefined ? {} : { allocate: platform.allocate }),
  });
  const transactions = createSqlTransactions({
    clock,
    randomBytes: (count) => workplace.tokenBytes(crypto.randomBytes(count)),
    limits: {
      ...config.transactions,
      maxTransactions: workplace.part(config.transactions?.maxTransactions ?? defaultTransactionLimits.maxTransactions),
    },
  });
  const ownCache = createResultCache({ clock, maxBytes: workplace.part(config.cacheBytes ?? defaultCacheBytes) });
  const cache = workplace.cache(ownCache);
  const limiter = workplace.limiter(createRateLimiter({ clock }));
  const backend = createSqlBackend({ engine, directory, authenticator, keys: keyLogin, limiter, acceptPlainPasswords });
  const handleSql = createSqlHandler({
    backend,
    transactions,
    cache: createSqlCache(cache, clock),
    clock,
    ...(config.maxRequestBytes === undefined ? {} : { maxRequestBytes: config.maxRequestBytes }),
    ...(config.maxResponseBytes === undefined ? {} : { maxResponseBytes: config.maxResponseBytes }),
    logsSuccess: config.logsSuccess ?? true,
    log: (event) => log({ ...event }),
  });
  const sql = workplace.sql(handleSql, createCallerCheck(backend), config.maxRequestBytes);
  const prisma = createPrismaService({
    workplace,
    limiter,
    keys,
    accessOf,
    engine,
    cache,
    clock,
    log: (event) => log({ ...event }),
    logsSuccess: config.logsSuccess ?? true,
    maxRequestBytes: config.maxRequestBytes,
  });
  const accelerate = createAccelerate(prisma, workplace);
  const { startCompiler } = platform;
  const dataProxy =
    startCompiler &&
    createDataProxy({
      service: prisma,
      startCompiler,
      limits: config.compilers,
      publicOrigin: config.publicOrigin,
      workplace,
    });
  const app = createHttpApp({
    sql,
    mount(routes) {
      mountAccelerate(routes, accelerate, acceptPlainPasswords);
      if (dataProxy !== undefined) mountDataProxy(routes, dataProxy.handler, acceptPlainPasswords);
    },
    async health() {
      if (isClosing) throw new GatewayError('shutting_down', 'the gateway is shutting down');
      return {};
    },
    onDefect: (error, path) => log(defectEvent(path, error)),
  });
  const stats = (): GatewayStats => ({ ...engine.stats(), callers: admission.callers });
  platform.worker?.seat.serve({
    cancel: (processId, secretKey) => engine.cancel(processId, secretKey),
    forget: (identityId) => authenticator.forget(identityId),
    invalidate: (scope, tags) => void ownCache.invalidate(scope, tags),
    stats,
  });

  return {
    webSockets,
    tcp: createTcpFrontend({ accept, admission, log, ownPorts: platform.ownPorts }),
    sql,
    app,
    stats,
    async close(graceMs, noneOpen) {
      isClosing = true;
      webSockets.announceShutdown();
      transactions.close();
      let isOver = false;
      const closed = engine.close(graceMs).then(() => {
        isOver = true;
      });
      while (!isOver && transactions.size + prisma.transactions.size > 0) {
        await new Promise<void>((resolve) => void clock.after(20, resolve));
      }
      noneOpen?.();
      await closed;
      dataProxy?.close();
    },
  };
}
