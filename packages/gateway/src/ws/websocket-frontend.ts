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
  type AnsweringWebSocket,
  createWebSocketStream,
  type TransportProgress,
  type WebSocketStream,
} from './websocket-stream.ts';

export interface WebSocketFrontendOptions {
  accept: AcceptCaller;
  admission: Admission;
  clock: Clock;
  log: LogEvent;
  maxMessageBytes: number;
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
  readonly transport: TransportProgress;
  readonly isTls: boolean;
  /** Subprotocols offered, where `postern.v1` was among them and has been selected. */
  readonly multiplexing?: { readonly offered: Iterable<string> } | undefined;
  /** Calls back with the size of each piece of the socket's incoming bytes, until told to stop. */
  readonly countBytes: (onBytes: (count: number) => void) => () => void;
}

export interface WebSocketFrontend {
  /** Whether an upgrade at this path is served. */
  serves(url: string): boolean;
  /** An open WebSocket. From here on the frontend owns it. */
  connected(socket: AnsweringWebSocket, request: WebSocketRequest): void;
  /** From now on sessions end with 1001 "going away" instead of 1000. */
  announceShutdown(): void;
  /** Drops whoever is still there. */
  destroyCallers(): void;
}

const normalClosure = 1000;
const goingAway = 1001;

export function createWebSocketFrontend(options: WebSocketFrontendOptions): WebSocketFrontend {
  const { accept, admission, clock, log, maxMessageBytes, authTimeoutMs = 10_000, pingIntervalMs } = options;
  const heartbeat = createHeartbeat({ clock, ...(pingIntervalMs === undefined ? {} : { intervalMs: pingIntervalMs }) });
  const streams = new Set<WebSocketStream>();
  const multiplexed = new Set<MultiplexedCallers>();
  let endCode = normalClosure;

  function connected(socket: AnsweringWebSocket, request: WebSocketRequest): void {
    const { address, security, transport, isTls, multiplexing } = request;
    const ticket = admission.admit(address, security === 'loopback');
    const whenClosed: (() => void)[] = [];
    const refused = (error: GatewayError): void => {
      const { code, sqlstate, message } = error;
      log({ event: 'caller_refused', transport: 'ws', address, code, sqlstate, message });
    };
    const stream = createWebSocketStream(socket, {
      security,
      transport,
      isTls,
      maxMessageBytes: multiplexing === undefined ? maxMessageBytes : sessionLimits.maxMessageBytes,
      endCode: () => endCode,
      tellsViolations: multiplexing === undefined,
      onViolation: refused,
      onClosed() {
        streams.delete(stream);
        heartbeat.remove(stream);
        stopCounting();
        if ('release' in ticket) ticket.release();
        for (const callback of whenClosed) callback();
      },
    });
    streams.add(stream);
    const stopCounting = request.countBytes((count) => {
      if ('received' in ticket && !ticket.received(count))
        stream.destroy(new Error('too many bytes before authentication'));
    });
    if ('refusal' in ticket) {
      const error = new GatewayError('too_many_sessions', ticket.refusal);
      const { fields, closeCode } = refusalOf(error);
      refused(error);
      if (multiplexing === undefined) stream.write(encodeErrorResponse(fields));
      stream.endWith(closeCode, error.message);
      return;
    }
    heartbeat.add(stream);
    const { searchParams } = new URL(request.url, 'ws://gateway');
    const targetAddress = searchParams.get('address') ?? undefined;
    searchParams.delete('address');
    const authenticated = (): void => {
      stopCounting();
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
  };
}
