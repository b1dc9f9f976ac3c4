/** The callers on one WebSocket of the subprotocol `postern.v1`: each session goes through start-up as on a socket of its own. */
import { decodeHello, GatewayError, SessionFrameError } from '@postern/contract';
import type { Clock } from '@postern/pool';
import { encodeErrorResponse } from '@postern/wire';
import type { LogEvent } from '../events.ts';
import type { Admission } from '../startup/admission.ts';
import type { Caller } from '../startup/caller.ts';
import { refusalOf } from '../startup/refusal.ts';
import type { AcceptCaller } from '../startup/startup.ts';
import type { MultiplexedStream } from './multiplexed-stream.ts';
import { createSessionMultiplexer } from './session-multiplexer.ts';
import type { WebSocketStream } from './websocket-stream.ts';

export interface MultiplexedCallersOptions {
  readonly accept: AcceptCaller;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly log: LogEvent;
  /** Time until somebody has logged in; afterwards the WebSocket may stay without sessions. */
  readonly authTimeoutMs: number;
  readonly stream: WebSocketStream;
  readonly from: Pick<Caller, 'transport' | 'address' | 'host' | 'targetAddress' | 'urlOptions'>;
  /** Subprotocols the caller offered; the hello is among them. */
  readonly offered: Iterable<string>;
  /** Somebody has logged in: the WebSocket is no stranger's any more. */
  readonly authenticated: () => void;
  readonly whenClosed: (callback: () => void) => void;
}

export interface MultiplexedCallers {
  /** Closes the WebSocket as soon as it has no sessions. */
  goAway(): void;
}

const policyViolation = 1008;

export function serveMultiplexedCallers(options: MultiplexedCallersOptions): MultiplexedCallers {
  const { accept, admission, log, authTimeoutMs, stream, from } = options;
  let isGoingAway = false;
  const timer = options.clock.after(authTimeoutMs, () => {
    const error = new GatewayError('authentication_timeout', `nobody logged in within ${authTimeoutMs / 1000} s`);
    refused(error);
    stream.endWith(policyViolation, error.message);
  });
  options.whenClosed(() => timer.cancel());

  function refused({ code, sqlstate, message }: GatewayError): void {
    log({ event: 'caller_refused', transport: from.transport, address: from.address, code, sqlstate, message });
  }

  function violated(error: SessionFrameError): void {
    refused(new GatewayError('protocol_violation', error.message));
    stream.endWith(error.closeCode, error.message);
  }

  function began(session: MultiplexedStream): void {
    const ticket = admission.admit(from.address);
    const whenClosed: (() => void)[] = [];
    session.onEnded = () => {
      if ('release' in ticket) ticket.release();
      for (const callback of whenClosed) callback();
      if (isGoingAway && multiplexer.sessions === 0) stream.end();
    };
    if ('refusal' in ticket) {
      const error = new GatewayError('too_many_sessions', ticket.refusal);
      refused(error);
      session.write(encodeErrorResponse(refusalOf(error).fields));
      session.end();
      return;
    }
    accept({
      ...from,
      stream: session,
      end: () => session.end(),
      authenticated() {
        timer.cancel();
        options.authenticated();
        ticket.authenticated();
      },
      whenClosed: (callback) => void whenClosed.push(callback),
    });
  }

  const multiplexer = createSessionMultiplexer({ transport: stream, onSession: began, onViolation: violated });
  try {
    const hello = decodeHello(options.offered);
    if (hello !== undefined) multiplexer.receive(hello);
  } catch (error) {
    if (!(error instanceof SessionFrameError)) throw error;
    violated(error);
  }

  return {
    goAway() {
      isGoingAway = true;
      if (multiplexer.sessions === 0) stream.end();
    },
  };
}
