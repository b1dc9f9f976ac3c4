/** Callers over WebSocket: `/v2`, and wsproxy's `/v1?address=host:port`. The upgrade itself is node/websocket-upgrade.ts. */
import { GatewayError, sessionLimits } from '@postern/contract';
import type { Clock, StreamSecurity } from '@postern/pool';
import { encodeErrorResponse } from '@postern/wire';
import type { LogEvent } from '../events.ts';
import type { Admission } from '../startup/admission.ts';
import type { Caller } from '../startup/caller.ts';
import { refusalOf } from '../startup/refusal.ts';
import type { AcceptCaller } from '../startup/startup.ts';
import { createHeartbeat } from './heartbeat.ts';
import { type MultiplexedCallers, serveMultiplexedCallers } from './multiplexed-callers.ts';
import {
  createFrameMemory,
  createWebSocketStream,
  type FrameTransport,
  type WebSocketSettings,
  type WebSocketStream,
} from './websocket-stream.ts';

export interface WebSocketFrontendOptions {
  accept: AcceptCaller;
  admission: Admission;
  clock: Clock;
  log: LogEvent;
  /** Largest message taken; Neon's driver sends a query with all its parameters as one. */
  maxMessageBytes: number;
  /** How long a peer may take to answer our close frame, and to close; default 5 s. */
  closeTimeoutMs?: number;
  /** Memory for frames, of the kind the platform's sockets like best. */
  allocate?: (bytes: number) => Uint8Array;
  /** Time until somebody has logged in on a WebSocket of many sessions; default 10 s. */
  authTimeoutMs?: number;
  pingIntervalMs?: number;
}

/** What the upgrade request told. */
export interface WebSocketRequest {
  /** Path and query. */
  readonly url: string;
  readonly host: string | undefined;
  readonly address: string;
  readonly security: StreamSecurity;
  /** Subprotocols offered, where `postern.v1` was among them and has been selected. */
  readonly multiplexing?: { readonly offered: Iterable<string> } | undefined;
  /** What arrived behind the request; it is written to. */
  readonly head: Uint8Array;
}

export interface WebSocketFrontend {
  /** Whether an upgrade at this path is served. */
  serves(url: string): boolean;
  /** An open WebSocket: hands are shaken, frames are to follow. From here on the frontend owns it. */
  connected(transport: FrameTransport, request: WebSocketRequest): void;
  /** From now on sessions end with 1001 "going away" instead of 1000. */
  announceShutdown(): void;
  /** Drops whoever is still there. */
  destroyCallers(): void;
  /** Resolves when nobody is there. */
  whenEmpty(): Promise<void>;
}

const normalClosure = 1000;
const goingAway = 1001;

export function createWebSocketFrontend(options: WebSocketFrontendOptions): WebSocketFrontend {
  const { accept, admission, clock, log, maxMessageBytes, authTimeoutMs = 10_000, pingIntervalMs } = options;
  const heartbeat = createHeartbeat({ clock, ...(pingIntervalMs === undefined ? {} : { intervalMs: pingIntervalMs }) });
  const streams = new Set<WebSocketStream>();
  const multiplexed = new Set<MultiplexedCallers>();
  const whenEmpty: (() => void)[] = [];
  let endCode = normalClosure;
  const settings: WebSocketSettings = {
    clock,
    closeTimeoutMs: options.closeTimeoutMs ?? 5_000,
    memory: createFrameMemory(options.allocate ?? ((bytes) => new Uint8Array(bytes))),
    endCode: () => endCode,
  };

  function connected(transport: FrameTransport, request: WebSocketRequest): void {
    const { address, security, multiplexing } = request;
    const ticket = admission.admit(address);
    const whenClosed: (() => void)[] = [];
    const refused = (error: GatewayError): void => {
      const { code, sqlstate, message } = error;
      log({ event: 'caller_refused', transport: 'ws', address, code, sqlstate, message });
    };
    const stream = createWebSocketStream({
      transport,
      settings,
      security,
      maxMessageBytes: multiplexing === undefined ? maxMessageBytes : sessionLimits.maxMessageBytes,
      tellsViolations: multiplexing === undefined,
      owner: {
        violated: refused,
        gone() {
          streams.delete(stream);
          heartbeat.remove(stream);
          if ('release' in ticket) ticket.release();
          for (const callback of whenClosed) callback();
          if (streams.size === 0) for (const callback of whenEmpty.splice(0)) callback();
        },
      },
    });
    streams.add(stream);
    if ('refusal' in ticket) {
      const error = new GatewayError('too_many_sessions', ticket.refusal);
      const { fields, closeCode } = refusalOf(error);
      refused(error);
      if (multiplexing === undefined) stream.write(encodeErrorResponse(fields));
      stream.endWith(closeCode, error.message);
      return;
    }
    heartbeat.add(stream);
    stream.onReceived = (count) => {
      if (!ticket.received(count)) stream.destroy(new Error('too many bytes before authentication'));
    };
    const { searchParams } = new URL(request.url, 'ws://gateway');
    const targetAddress = searchParams.get('address') ?? undefined;
    searchParams.delete('address');
    const authenticated = (): void => {
      stream.onReceived = undefined;
      ticket.authenticated();
    };
    const from = {
      transport: 'ws',
      address,
      host: request.host,
      targetAddress,
      urlOptions: new Map(searchParams),
    } as const;
    if (multiplexing !== undefined) {
      const callers = serveMultiplexedCallers({
        ...{ accept, admission, clock, log, authTimeoutMs, stream, from, authenticated },
        offered: multiplexing.offered,
        whenClosed: (callback) => void whenClosed.push(callback),
      });
      multiplexed.add(callers);
      whenClosed.push(() => multiplexed.delete(callers));
      if (request.head.length > 0) stream.receive(request.head);
      return;
    }
    const caller: Caller = {
      ...from,
      stream,
      end: (code, reason) => stream.endWith(code, reason),
      authenticated,
      whenClosed: (callback) => void whenClosed.push(callback),
    };
    accept(caller);
    if (request.head.length > 0) stream.receive(request.head);
  }

  return {
    serves: (url) => /^\/v[12]\/?(\?|$)/.test(url),
    connected,
    announceShutdown() {
      endCode = goingAway;
      for (const callers of multiplexed) callers.goAway();
    },
    destroyCallers() {
      for (const stream of streams) stream.destroy();
    },
    whenEmpty: () => (streams.size === 0 ? Promise.resolve() : new Promise((resolve) => void whenEmpty.push(resolve))),
  };
}
