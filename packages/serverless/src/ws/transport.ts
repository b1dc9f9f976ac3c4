/**
 * How sessions reach the server: each on a WebSocket of its own (Neon's wire), or many on one (`postern.v1`, described in
 * @postern/contract's session-frames.ts). Which one it is, the hub finds out.
 */
import type { Configuration, WebSocketConstructor } from '../config.ts';
import type { PosternError } from '../postern-error.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { openWebSocket } from './web-socket.ts';

/** One session's bytes. */
export interface Transport {
  write(bytes: Uint8Array): void;
  /** Written but not sent. */
  readonly bufferedBytes: number;
  /** Nothing more is delivered (as far as the platform can) until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the session; no event follows. */
  close(): void;
}

export interface TransportEvents {
  /** What is said first; `speaks` is what the server will understand. Called once or, after falling back, twice. */
  first(speaks: 'postern' | 'neon'): Uint8Array;
  /** From now on `write` may be used. */
  onOpen(): void;
  onBytes(bytes: Uint8Array): void;
  /** `wasHeard`: the server may have acted on what was said. */
  onClose(error: PosternError, wasHeard: boolean): void;
}

export interface Hub {
  /** May what `first` gives be more than a log-in? Not if it may be said again to a server that had understood it. */
  readonly isCertain: boolean;
  open(events: TransportEvents): Transport;
}

export interface HubOptions {
  readonly url: string;
  readonly protocol: NonNullable<Configuration['protocol']>;
  readonly webSocketConstructor: WebSocketConstructor | undefined;
}

/** What servers turned out to speak. A cache: losing it costs one more attempt. */
const learned = new Map<string, 'postern' | 'neon'>();
const maxLearned = 100;

function learn(url: string, speaks: 'postern' | 'neon'): void {
  if (learned.size >= maxLearned) learned.clear();
  learned.set(url, speaks);
}

/** Sessions to one URL that may share a WebSocket: those of a pool, or one client with its cancel requests. */
export function createHub(options: HubOptions): Hub {
  const { url, webSocketConstructor } = options;
  const isNeon = /^wss?:\/\/[^/]*\.neon\.(tech|build)(:|\/|$)/.test(url);
  let sessions: Sessions | undefined;

  const speaks = (): 'postern' | 'neon' | undefined =>
    options.protocol === 'auto' ? (isNeon ? 'neon' : learned.get(url)) : options.protocol;

  function openPlain(events: TransportEvents): Transport {
    const socket = openWebSocket(url, [], webSocketConstructor, {
      onOpen() {
        if (options.protocol === 'auto') learn(url, 'neon');
        socket.send(events.first('neon'));
        events.onOpen();
      },
      onBytes: events.onBytes,
      onClose: events.onClose,
    });
    return {
      write: socket.send,
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      pause: socket.pause,
      resume: socket.resume,
      close: socket.close,
    };
  }

  function openShared(events: TransportEvents): Transport {
    const isKnown = speaks() === 'postern';
    if (sessions === undefined || !sessions.isUsable) {
      sessions = createSessions(url, webSocketConstructor, () => learn(url, 'postern'));
    }
    let transport: Transport = sessions.open({
      ...events,
      onClose(error, wasHeard) {
        // Nothing but a log-in was said: it may be said again, to a server that speaks the other language.
        if (isKnown || wasHeard) return events.onClose(error, wasHeard);
        try {
          transport = openPlain(events);
        } catch (failure) {
          events.onClose(failure as PosternError, false);
        }
      },
    });
    return {
      write: (bytes) => transport.write(bytes),
      get bufferedBytes() {
        return transport.bufferedBytes;
      },
      pause: () => transport.pause(),
      resume: () => transport.resume(),
      close: () => transport.close(),
    };
  }

  return {
    get isCertain() {
      return speaks() !== undefined;
    },
    open: (events) => (speaks() === 'neon' ? openPlain(events) : openShared(events)),
  };
}
