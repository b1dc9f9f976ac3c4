/**
 * Many sessions on one stream of frames (subprotocol `postern.v1`, contract/session-frames.ts). Knows frames and streams;
 * who a session is and whether it is let in is its owner's business.
 */
import {
  createSessionFrameDecoder,
  encodeSessionCredit,
  encodeSessionEnd,
  encodeSessionFrame,
  SessionFrameError,
  sessionLimits,
} from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { createMultiplexedStream, type MultiplexedStream, type SharedTransport } from './multiplexed-stream.ts';

export interface SessionMultiplexerOptions {
  /** Carries the frames. From here on only the multiplexer may use it. */
  readonly transport: ByteStream;
  /** Sessions open at once. */
  readonly maxSessions?: number;
  /** A session begins: its first bytes follow when this returns, so its stream must have an owner by then. */
  readonly onSession: (stream: MultiplexedStream) => void;
  /** The peer broke the rules: all sessions have ended, and the transport is the owner's to close. */
  readonly onViolation: (error: SessionFrameError) => void;
}

export interface SessionMultiplexer {
  /** Bytes that reached us otherwise than through the transport: the hello. */
  receive(bytes: Uint8Array): void;
  readonly sessions: number;
}

/** The payload of one frame: with its header one WebSocket message of the size that clients take in fastest. */
const payloadBytes = 65_528;

export function createSessionMultiplexer(options: SessionMultiplexerOptions): SessionMultiplexer {
  const { transport, maxSessions = sessionLimits.maxSessions, onSession, onViolation } = options;
  const sessions = new Map<number, MultiplexedStream>();
  let newest = 0;
  let state: 'open' | 'closed' = 'open';
  let isKept = false;
  let isHeldBack = false;

  const shared: SharedTransport = {
    security: transport.security,
    get bufferedBytes() {
      return transport.bufferedBytes;
    },
    sendBytes(session, bytes) {
      for (let at = 0; at < bytes.length; at += payloadBytes) {
        send(encodeSessionFrame(session, bytes.subarray(at, at + payloadBytes)));
      }
    },
    sendCredit: (session, bytes) => send(encodeSessionCredit(session, bytes)),
    sendEnd(session) {
      sessions.delete(session);
      send(encodeSessionEnd(session));
    },
  };

  /** Frames are made for one write: the transport may keep them. */
  function send(frame: Uint8Array): void {
    if (state === 'open') transport.write(frame);
  }

  /** undefined: the session is over, and what was under way to it means nothing. */
  function find(session: number): MultiplexedStream | undefined {
    const known = sessions.get(session);
    if (known !== undefined || session <= newest || state === 'closed') return known;
    if (sessions.size >= maxSessions) throw new SessionFrameError(`more than ${maxSessions} sessions at once`);
    newest = session;
    const stream = createMultiplexedStream(session, shared);
    sessions.set(session, stream);
    onSession(stream);
    return stream;
  }

  const decoder = createSessionFrameDecoder({
    onBytes(session, bytes) {
      if (find(session)?.received(bytes) === true) isKept = true;
    },
    onEnd: (session) => find(session)?.left(),
    onCredit(session, bytes) {
      if (session > newest) throw new SessionFrameError('credit was given for a session that never began');
      sessions.get(session)?.credited(bytes);
    },
  });

  function receive(bytes: Uint8Array): boolean {
    if (state === 'closed') return false;
    isKept = false;
    try {
      decoder.push(bytes);
    } catch (error) {
      if (!(error instanceof SessionFrameError)) throw error;
      end(error);
      onViolation(error);
      return isKept;
    }
    // More than sessions may have under way: answers to such as are over, whose number nothing else limits.
    if (transport.bufferedBytes > (sessions.size + 1) * sessionLimits.windowBytes) {
      isHeldBack = true;
      transport.pause();
    }
    return isKept;
  }

  function end(error: Error | undefined): void {
    state = 'closed';
    for (const stream of sessions.values()) stream.left(error);
  }

  transport.onData = receive;
  transport.onDrain = () => {
    if (isHeldBack) {
      isHeldBack = false;
      transport.resume();
    }
    for (const stream of sessions.values()) stream.transportDrained();
  };
  transport.onClose = end;

  return {
    receive,
    get sessions() {
      return sessions.size;
    },
  };
}
