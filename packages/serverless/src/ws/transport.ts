/**
 * How sessions reach the server: each on a WebSocket of its own (Neon's wire), or many on one (`postern.v1`, described in
 * @postern/contract's session-frames.ts). Which one it is, the hub finds out.
 */
import type { Configuration, WebSocketConstructor } from '../config.ts';
import type { PosternError } from '../postern-error.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { openWebSocket, type Transport } from './web-socket.ts';

/** Whoever has something to send. */
export interface Sender {
  /** Set by the hub; after falling back, to another one. */
  transport: Transport | undefined;
}

/** What a hub carries. */
export interface Passenger extends Sender {
  /** What is said first; `speaks` is what the server will understand. Called once or, after falling back, twice. */
  first(speaks: 'postern' | 'neon'): Uint8Array;
  /** From now on its transport may be used. */
  onOpen(): void;
  onBytes(bytes: Uint8Array): void;
  /** `wasHeard`: the server may have acted on what was said. May come even after `close`. */
  onClose(error: PosternError, wasHeard: boolean): void;
}

export interface Hub {
  /** May what `first` gives be more than a log-in? Not if it may be said again to a server that had understood it. */
  isCertain(): boolean;
  open(passenger: Passenger): void;
  /** Whoever comes next gets another WebSocket: this one may be dead. */
  renew(): void;
}

/** What servers turned out to speak. A cache: losing it costs one more attempt. */
const learned = new Map<string, 'postern' | 'neon'>();
const maxLearned = 100;

/** Sessions to one URL that may share a WebSocket: those of a pool, or one client with its cancel requests. */
export function createHub(
  url: string,
  protocol: NonNullable<Configuration['protocol']>,
  webSocketConstructor: WebSocketConstructor | undefined,
): Hub {
  let sessions: Sessions | undefined;

  const speaks = (): 'postern' | 'neon' | undefined =>
    protocol !== 'auto' ? protocol : /\/\/[^/]*\.neon\.(tech|build)(:|\/|$)/.test(url) ? 'neon' : learned.get(url);

  function learn(language: 'postern' | 'neon'): void {
    if (learned.size >= maxLearned) learned.clear();
    learned.set(url, language);
  }

  function openPlain(passenger: Passenger): void {
    passenger.transport = openWebSocket(url, [], webSocketConstructor, {
      ...passenger,
      onOpen() {
        if (protocol === 'auto') learn('neon');
        passenger.transport?.write(passenger.first('neon'));
        passenger.onOpen();
      },
    });
  }

  return {
    isCertain: () => Boolean(speaks()),
    renew() {
      sessions = undefined;
    },
    open(passenger) {
      const language = speaks();
      if (language === 'neon') return openPlain(passenger);
      if (!sessions?.isUsable()) sessions = createSessions(url, webSocketConstructor, () => learn('postern'));
      sessions.open(passenger, (error, wasHeard) => {
        // Nothing but a log-in was said: it may be said again, to a server that speaks the other language.
        if (language || wasHeard) return passenger.onClose(error, wasHeard);
        try {
          openPlain(passenger);
        } catch (failure) {
          passenger.onClose(failure as PosternError, false);
        }
      });
    },
  };
}
