/** Many sessions on one WebSocket: the client's half of `postern.v1`. Frames: Int32 session, Int32 length, bytes. */
import { encodeHello, sessionLimits, sessionSubprotocol } from '@postern/contract';
import type { WebSocketConstructor } from '../config.ts';
import { PosternError } from '../postern-error.ts';
import { concat, decodeText, encodeText, int32, Reader } from './packet.ts';
import type { Transport, TransportEvents } from './transport.ts';
import { type ByteSocket, openWebSocket } from './web-socket.ts';

export interface Sessions {
  /** Another session may be opened on it. */
  readonly isUsable: boolean;
  open(events: TransportEvents): Transport;
}

const { maxHelloBytes, maxSessions, windowBytes, creditStepBytes } = sessionLimits;
const headerBytes = 8;
/** Small enough that one session's data does not hold up the others'. */
const maxFrameBytes = 65_536;

interface Session {
  readonly events: TransportEvents;
  /** What may still be sent. */
  window: number;
  readonly waiting: Uint8Array[];
  /** Received, but not yet credited. */
  consumed: number;
  isPaused: boolean;
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
  let socket: ByteSocket | undefined;
  let lastId = 0;
  /** Frames for when it opens. */
  let early: Uint8Array[] = [];

  function send(bytes: Uint8Array): void {
    if (state === 'open') socket?.send(bytes);
    else early.push(bytes);
  }

  function write(id: number, session: Session, bytes: Uint8Array): void {
    session.waiting.push(bytes);
    const frames: Uint8Array[] = [];
    while (session.waiting.length > 0 && session.window > 0) {
      const next = session.waiting.shift()!;
      const count = Math.min(next.length, session.window, maxFrameBytes);
      if (count < next.length) session.waiting.unshift(next.subarray(count));
      session.window -= count;
      if (count > 0) frames.push(frame(id, next.subarray(0, count)));
    }
    if (frames.length > 0) send(concat(frames));
  }

  function credit(id: number, session: Session): void {
    if (session.isPaused || session.consumed < creditStepBytes) return;
    send(frame(0, encodeText(`{"type":"credit","session":${id},"bytes":${session.consumed}}`)));
    session.consumed = 0;
  }

  function leave(id: number): void {
    sessions.delete(id);
    // Nothing keeps it open but sessions; a pool that wants one again opens another WebSocket.
    if (sessions.size === 0) {
      state = 'closed';
      socket?.close();
    }
  }

  function control(text: string): void {
    const { type, session: id, bytes } = JSON.parse(text) as { type: string; session: number; bytes: number };
    const session = sessions.get(id);
    if (type !== 'credit' || session === undefined) return;
    session.window += bytes;
    write(id, session, new Uint8Array(0));
  }

  /** The beginning of a header, or of a control frame. */
  let rest = new Uint8Array(0);
  let current = 0;
  let remaining = 0;

  function take(chunk: Uint8Array): void {
    let bytes = rest.length > 0 ? concat([rest, chunk]) : chunk;
    rest = new Uint8Array(0);
    while (bytes.length > 0) {
      if (remaining === 0) {
        if (bytes.length < headerBytes) break;
        const header = new Reader(bytes);
        current = header.int32();
        remaining = header.int32();
        bytes = bytes.subarray(headerBytes);
        if (remaining === 0)
          end(current, new PosternError('Connection terminated unexpectedly', { kind: 'connection', code: '08006' }));
      } else if (current === 0) {
        if (bytes.length < remaining) break;
        control(decodeText(bytes.subarray(0, remaining)));
        bytes = bytes.subarray(remaining);
        remaining = 0;
      } else {
        const part = bytes.subarray(0, remaining);
        bytes = bytes.subarray(part.length);
        remaining -= part.length;
        const session = sessions.get(current);
        if (session === undefined) continue;
        session.consumed += part.length;
        session.events.onBytes(part);
        credit(current, session);
      }
    }
    if (bytes.length > 0) rest = bytes.slice() as Uint8Array<ArrayBuffer>;
  }

  function end(id: number, error: PosternError): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    leave(id);
    session.events.onClose(error, true);
  }

  function connect(): void {
    state = 'connecting';
    const hello = concat(early);
    const fits = hello.length <= maxHelloBytes;
    if (fits) early = [];
    socket = openWebSocket(
      url,
      fits ? [sessionSubprotocol, encodeHello(hello)] : [sessionSubprotocol],
      webSocketConstructor,
      {
        onOpen() {
          if (socket?.protocol !== sessionSubprotocol) {
            socket?.close();
            return closed(
              new PosternError('the server does not speak postern.v1', { kind: 'connection', code: '08001' }),
              false,
            );
          }
          state = 'open';
          onAgreed();
          if (early.length > 0) socket.send(concat(early));
          for (const { events } of [...sessions.values()]) events.onOpen();
        },
        onBytes: take,
        onClose: closed,
      },
    );
  }

  function closed(error: PosternError, wasOpen: boolean): void {
    state = 'closed';
    const ended = [...sessions.values()];
    sessions.clear();
    for (const { events } of ended) events.onClose(error, wasOpen);
  }

  return {
    get isUsable() {
      return state !== 'closed' && sessions.size < maxSessions;
    },
    open(events) {
      const id = ++lastId;
      const session: Session = { events, window: windowBytes, waiting: [], consumed: 0, isPaused: false };
      sessions.set(id, session);
      write(id, session, events.first('postern'));
      if (state === 'new') connect();
      // Not from within: whoever opens it does not have it yet.
      else if (state === 'open') queueMicrotask(() => sessions.has(id) && events.onOpen());
      return {
        write: (bytes) => sessions.has(id) && write(id, session, bytes),
        get bufferedBytes() {
          return session.waiting.reduce((sum, bytes) => sum + bytes.length, socket?.bufferedBytes ?? 0);
        },
        pause() {
          session.isPaused = true;
        },
        resume() {
          session.isPaused = false;
          credit(id, session);
        },
        close() {
          if (!sessions.has(id)) return;
          send(frame(id, new Uint8Array(0)));
          leave(id);
        },
      };
    },
  };
}
