/** One WebSocket as bytes, with failures as PosternErrors. */
import type { WebSocketConstructor, WebSocketLike } from '../config.ts';
import { createError, type PosternError } from '../postern-error.ts';
import { bytesOf } from '../values/bytes.ts';

/** Somebody's bytes on their way to the server. */
export interface Transport {
  write(bytes: Uint8Array): void;
  /** Written but not sent. */
  bufferedBytes(): number;
  /** Nothing more is delivered (as far as the platform can) until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
  /** It does not answer any more, unless something came since then: all who share the WebSocket, if any do, are told. */
  drop?(error: PosternError, since: number): void;
}

export interface SocketEvents {
  /** `protocol`: of those offered, what the server chose, if any. */
  onOpen(protocol: string | null | undefined): void;
  onBytes(bytes: Uint8Array): void;
  /** Once; nothing comes after it. `wasOpen` false: the upgrade failed. */
  onClose(error: PosternError, wasOpen: boolean): void;
}

type Pausable = WebSocketLike & { pause?(): void; resume?(): void };

/** Opens it. Throws a PosternError if there is no WebSocket in this runtime, or the URL is none. */
export function openWebSocket(
  url: string,
  protocols: string[],
  given: WebSocketConstructor | undefined,
  events: SocketEvents,
): Transport {
  const Constructor = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (!Constructor) throw createError('usage', 'no WebSocket: set neonConfig.webSocketConstructor');
  let socket: Pausable;
  try {
    socket = protocols.length > 0 ? new Constructor(url, protocols) : new Constructor(url);
  } catch (error) {
    throw createError('usage', `the WebSocket cannot be opened: ${(error as Error).message}`, undefined, {
      sourceError: error as Error,
    });
  }
  socket.binaryType = 'arraybuffer';
  let state: 'connecting' | 'open' | 'closed' = 'connecting';

  function closed(why: unknown, sourceError?: unknown): void {
    if (state === 'closed') return;
    const wasOpen = state === 'open';
    state = 'closed';
    const what = wasOpen ? 'Connection terminated unexpectedly' : 'the WebSocket cannot be opened';
    const error = createError('connection', `${what}: ${why || 'no reason'}`, wasOpen ? '08006' : '08001', {
      sourceError: sourceError as Error,
    });
    events.onClose(error, wasOpen);
  }

  const on = (type: string, listener: (event: never) => void): void => socket.addEventListener(type, listener as never);
  on('open', () => {
    if (state !== 'connecting') return;
    state = 'open';
    events.onOpen(socket.protocol);
  });
  on('message', ({ data }: { data: unknown }) => {
    if (state === 'closed') return;
    const bytes = bytesOf(data);
    if (bytes) return events.onBytes(bytes);
    socket.close(1003);
    closed('text message');
  });
  // Says next to nothing; `close` follows, but not in every runtime when the upgrade failed.
  on('error', ({ message, error }: { message?: string; error?: Error }) => closed(message || error?.message, error));
  on('close', ({ code, reason }: { code?: number; reason?: string }) => closed(`${code} ${reason}`));

  return {
    write(bytes) {
      try {
        if (state === 'open') socket.send(bytes);
      } catch (error) {
        // In a Worker: it belongs to another request.
        closed(error);
      }
    },
    bufferedBytes: () => socket.bufferedAmount ?? 0,
    pause: () => socket.pause?.(),
    resume: () => socket.resume?.(),
    close() {
      if (state === 'closed') return;
      state = 'closed';
      socket.close();
    },
  };
}
