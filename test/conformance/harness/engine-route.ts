/** Straight into the engine over memory: pooling without a gateway, and without its authentication. */
import { randomBytes } from 'node:crypto';
import {
  type ByteStream,
  createEngine,
  createMemoryStreamPair,
  type EngineEvent,
  type EngineLimits,
  type Identity,
  type SessionOptions,
} from '@postern/pool';
import { connectStream } from '@postern/testkit';
import { createStartupDecoder, encodeNegotiateProtocolVersion } from '@postern/wire';
import type { ByteConnection } from './byte-connection.ts';
import type { Server } from './direct-query.ts';
import type { OpenRoute } from './route.ts';

export interface EngineRouteOptions {
  readonly mode: SessionOptions['mode'];
  readonly limits?: Partial<EngineLimits>;
  /** Every engine event, for debugging a difference. */
  readonly onEvent?: (event: EngineEvent) => void;
}

/** Events that mean the engine met something it did not expect. */
const FAULT_EVENTS: ReadonlySet<string> = new Set(['server_connection_fault', 'internal_error']);

export function createEngineRoute(server: Server, options: EngineRouteOptions): OpenRoute {
  return async ({ database, serverConnections }) => {
    const faults: string[] = [];
    const engine = createEngine({
      dial: (target) => connectStream(target.host, target.port),
      clock: {
        now: () => performance.now(),
        after(milliseconds, callback) {
          const timer = setTimeout(callback, milliseconds);
          return { cancel: () => clearTimeout(timer) };
        },
      },
      random: (count) => randomBytes(count),
      log(event) {
        options.onEvent?.(event);
        if (FAULT_EVENTS.has(event.event)) faults.push(JSON.stringify(event));
      },
      limits: { poolSize: serverConnections, maxPinned: serverConnections + 1, ...options.limits },
    });
    const identity: Identity = {
      id: server.user,
      user: server.user,
      secret: { kind: 'password', password: server.password },
    };

    /** What a gateway's frontend does, without encryption and passwords. */
    function serve(stream: ByteStream): void {
      const decoder = createStartupDecoder();
      stream.onData = (sent) => {
        const packet = decoder.push(sent);
        if (packet === undefined) return undefined;
        if (packet.kind === 'cancel') {
          const close = (): void => stream.end();
          engine.cancel(packet.processId, packet.secretKey).then(close, close);
          return undefined;
        }
        if (packet.kind !== 'startup') throw new Error(`a route without a gateway cannot serve ${packet.kind}`);
        if (packet.minor > 2 || packet.protocolOptions.length > 0) {
          stream.write(encodeNegotiateProtocolVersion(2, packet.protocolOptions));
        }
        const parameters = [...packet.parameters].filter(([name]) => name !== 'user' && name !== 'database');
        engine.openSession({
          stream,
          target: {
            host: server.host,
            port: server.port,
            database: packet.parameters.get('database') ?? database,
            tls: 'disable',
          },
          identity,
          mode: options.mode,
          startupParameters: new Map(parameters),
          protocolMinor: packet.minor >= 2 ? 2 : 0,
          initialBytes: decoder.rest(),
        });
        return undefined;
      };
    }

    function connect(): ByteConnection {
      const [mine, theirs] = createMemoryStreamPair();
      const connection: ByteConnection = {
        onData: () => {},
        onClose: () => {},
        write: (sent) => void mine.write(sent),
        end: () => mine.end(),
        reset: () => mine.destroy(),
      };
      mine.onData = (received) => {
        connection.onData(Buffer.from(received));
        return undefined;
      };
      mine.onClose = () => connection.onClose();
      serve(theirs);
      return connection;
    }

    return {
      kind: options.mode === 'pooled' ? 'tcp-pooled' : 'tcp-direct',
      connect: async () => connect(),
      faults: () => faults,
      close: () => engine.close(0),
    };
  };
}
