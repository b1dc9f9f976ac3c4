/** Many sessions on one WebSocket: the client's side of `postern.v1`. A frame is int32 session, int32 length, bytes. */
import { encodeHello, type sessionLimits, sessionSubprotocol } from '@postern/contract';
import type { WebSocketConstructor } from '../config.ts';
import { createError, type PosternError } from '../postern-error.ts';
import { concat, decodeText, empty, encodeText, int32, Reader } from './packet.ts';
import type { Passenger } from './transport.ts';
import { openWebSocket, type Transport } from './web-socket.ts';

export interface Sessions {
  /** Another session may be opened on it. */
  isUsable(): boolean;
  /** `onClose` hears of the end instead of the passenger's own. */
  open(passenger: Passenger, onClose: Passenger['onClose']): void;
}

// The contract's numbers, which the compiler compares: its table would be downloaded whole.
type Limits = typeof sessionLimits;
const maxHelloBytes: Limits['maxHelloBytes'] = 6_000;
const maxSessions: Limits['maxSessions'] = 256;
const windowBytes: Limits['windowBytes'] = 1_048_576;
const creditStepBytes: Limits['creditStepBytes'] = 262_144;
const headerBytes = 8;
/** Small enough that one session's data does not hold up the others'. */
const maxFrameBytes = 65_536;

interface Session {
  take(bytes: Uint8Array): void;
  /** The server takes so many more. */
  allow(bytes: number): void;
  onOpen(): void;
  readonly onClose: Passenger['onClose'];
}

function frame(session: number, bytes: Uint8Array): Uint8Array {
  return concat([int32(session), int32(bytes.length), bytes]);
}

/** Opens the WebSocket with the first session; `onAgreed` when the server speaks `postern.v1`. */
export function createSessions(
  url: string,
  webSocketConstructor: WebSocketConstructor | undefined,
  onAgreed: () => void,
): Sessions {
  const sessions = new Map<number, Session>();
  let state: 'new' | 'connecting' | 'open' | 'closed' = 'new';
  let socket: Transport | undefined;
  let lastId = 0;
  /** Frames for when it opens. */
  let early: Uint8Array[] = [];

  function send(bytes: Uint8Array): void {
    if (state === 'open') socket?.write(bytes);
    else early.push(bytes);
  }

  function leave(id: number): void {
    sessions.delete(id);
    // Nothing keeps it open but sessions; a pool that wants one again opens another WebSocket.
    if (sessions.size === 0) {
      state = 'closed';
      socket?.close();
    }
  }

  /** The beginning of a header, or of a control frame. */
  let rest = empty;
  let current = 0;
  let remaining = 0;
  let heardAt = 0;

  function take(chunk: Uint8Array): void {
    heardAt = Date.now();
    let bytes = rest.length > 0 ? concat([rest, chunk]) : chunk;
    while (bytes.length > 0) {
      if (remaining === 0) {
        if (bytes.length < headerBytes) break;
        const header = new Reader(bytes);
        current = header.int32();
        remaining = header.int32();
        bytes = header.bytes();
        const ended = sessions.get(current);
        if (remaining === 0 && ended) {
          leave(current);
          ended.onClose(createError('connection', 'Connection terminated unexpectedly', '08006'), true);
        }
      } else {
        if (current === 0 && bytes.length < remaining) break;
        const part = bytes.subarray(0, remaining);
        bytes = bytes.subarray(part.length);
        remaining -= part.length;
        if (current === 0) {
          const {
            type,
            session,
            bytes: credit,
          } = JSON.parse(decodeText(part)) as { type: string; session: number; bytes: number };
          if (type === 'credit') sessions.get(session)?.allow(credit);
        } else sessions.get(current)?.take(part);
      }
    }
    rest = bytes.slice();
  }

  function connect(): void {
    state = 'connecting';
    const protocols = [sessionSubprotocol];
    const hello = concat(early);
    if (hello.length <= maxHelloBytes) {
      early = [];
      protocols.push(encodeHello(hello));
    }
    socket = openWebSocket(url, protocols, webSocketConstructor, {
      onOpen(protocol) {
        if (protocol !== sessionSubprotocol) {
          socket?.close();
          return closed(createError('connection', 'no postern.v1', '08001'), false);
        }
        state = 'open';
        onAgreed();
        if (early.length > 0) send(concat(early));
        for (const session of [...sessions.values()]) session.onOpen();
      },
      onBytes: take,
      onClose: closed,
    });
  }

  function closed(error: PosternError, wasOpen: boolean): void {
    state = 'closed';
    const all = [...sessions.values()];
    sessions.clear();
    for (const { onClose } of all) onClose(error, wasOpen);
  }

  return {
    isUsable: () => state !== 'closed' && sessions.size < maxSessions,
    open(passenger, onClose) {
      const id = ++lastId;
      const waiting: Uint8Array[] = [];
      /** What may still be sent. */
      let window: number = windowBytes;
      /** Received, but not yet credited. */
      let consumed = 0;
      let isPaused = false;

      function write(bytes: Uint8Array): void {
        if (!sessions.has(id)) return;
        waiting.push(bytes);
        for (let next = waiting[0]; next && window > 0; next = waiting[0]) {
          const part = next.subarray(0, Math.min(window, maxFrameBytes));
          window -= part.length;
          if (part.length > 0) send(frame(id, part));
          if (part.length < next.length) waiting[0] = next.subarray(part.length);
          else waiting.shift();
        }
      }

      function credit(): void {
        if (isPaused || consumed < creditStepBytes) return;
        send(frame(0, encodeText(JSON.stringify({ type: 'credit', session: id, bytes: consumed }))));
        consumed = 0;
      }

      sessions.set(id, {
        take(bytes) {
          consumed += bytes.length;
          passenger.onBytes(bytes);
          credit();
        },
        allow(bytes) {
          window += bytes;
          write(empty);
        },
        onOpen: passenger.onOpen,
        onClose,
      });
      passenger.transport = {
        write,
        bufferedBytes: () => waiting.reduce((sum, { length }) => sum + length, socket?.bufferedBytes() ?? 0),
        pause() {
          isPaused = true;
        },
        resume() {
          isPaused = false;
          credit();
        },
        close() {
          if (!sessions.has(id)) return;
          send(frame(id, empty));
          leave(id);
        },
        drop(error, since) {
          if (heardAt > since) return;
          socket?.close();
          closed(error, true);
        },
      };
      write(passenger.first('postern'));
      if (state === 'new') connect();
      // Not from within: whoever opens it is not done.
      else if (state === 'open') queueMicrotask(() => sessions.get(id)?.onOpen());
    },
  };
}
