/** Start-up with everything around it faked, for tests. */
import type { Clock, StreamSecurity } from '@postern/pool';
import type { AuthCrypto } from '../auth/auth-crypto.ts';
import { createAuthenticator } from '../auth/authenticator.ts';
import { createScramVerifiers, type ScramVerifiersOptions } from '../auth/scram-verifiers.ts';
import { createEndpoint, type EndpointConfig } from '../endpoints/endpoint.ts';
import { createEndpointDirectory } from '../endpoints/resolve-endpoint.ts';
import { createNodeAuthCrypto } from '../node/auth-crypto.ts';
import { createNodeClock } from '../node/clock.ts';
import { createFakeEngine, type FakeEngine } from './fake-engine.fixture.ts';
import type { LoginRules } from './login.ts';
import { type AcceptCaller, createStartup } from './startup.ts';

export interface StartupFixture {
  accept: AcceptCaller;
  engine: FakeEngine;
  log: Record<string, unknown>[];
}

export interface StartupFixtureOptions
  extends Partial<Pick<LoginRules, 'authMethod' | 'acceptPlainPasswords' | 'maxPipelinedBytes'>> {
  clock?: Clock;
  crypto?: AuthCrypto;
  passwords?: Readonly<Record<string, string>>;
  endpoints?: readonly EndpointConfig[];
  readVerifier?: ScramVerifiersOptions['readVerifier'];
  security?: StreamSecurity;
}

export function createStartupFixture(options: StartupFixtureOptions = {}): StartupFixture {
  const { clock = createNodeClock(), crypto = createNodeAuthCrypto() } = options;
  const log: Record<string, unknown>[] = [];
  const engine = createFakeEngine(options.passwords);
  const configs = options.endpoints ?? [{ name: 'default', databaseUrl: 'postgres://127.0.0.1:5432/app' }];
  const endpoints = configs.map(createEndpoint);
  const authenticator = createAuthenticator({ engine, clock, crypto, refusalStepMs: 10 });
  const verifiers = createScramVerifiers({
    endpoints,
    authenticator,
    readVerifier: options.readVerifier ?? (async () => null),
    clock,
    crypto,
  });
  const accept = createStartup({
    engine,
    directory: createEndpointDirectory({ endpoints, ownPorts: () => [4444, 6432] }),
    authenticator,
    crypto,
    verifiers,
    clock,
    log: (event) => void log.push({ ...event }),
    authTimeoutMs: 10_000,
    authMethod: options.authMethod ?? 'auto',
    acceptPlainPasswords: options.acceptPlainPasswords ?? false,
    maxPipelinedBytes: options.maxPipelinedBytes ?? 1_000_000,
  });
  return { accept, engine, log };
}
