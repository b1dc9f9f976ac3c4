/** One WebSocket as bytes, with failures as PosternErrors. */
import type { WebSocketConstructor, WebSocketLike } from '../config.ts';
import { PosternError, usageError } from '../postern-error.ts';

export interface ByteSocket {
  /** Of the protocols offered, what the server chose; '' for none. */
  readonly protocol: string;
  /** Bytes the platform has taken but not sent. */
  readonly bufferedBytes: number;
  send(bytes: Uint8Array): void;
  /** Where the platform can: nothing more is delivered until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface SocketEvents {
  onOpen(): void;
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
): ByteSocket {
  const Constructor = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (!Constructor) {
    throw usageError(
      'this runtime has no WebSocket: set neonConfig.webSocketConstructor, to that of the package ws for example',
    );
  }
  let socket: Pausable;
  try {
    socket = protocols.length > 0 ? new Constructor(url, protocols) : new Constructor(url);
  } catch (error) {
    throw new PosternError(`the WebSocket cannot be opened: ${(error as Error).message}`, {
      kind: 'usage',
      sourceError: error as Error,
    });
  }
  socket.binaryType = 'arraybuffer';
  let state: 'connecting' | 'open' | 'closed' = 'connecting';
  let reason = '';

  function closed(message: string, sourceError?: unknown): void {
    if (state === 'closed') return;
    const wasOpen = state === 'open';
    state = 'closed';
    events.onClose(
      new PosternError(message, {
        kind: 'connection',
        code: wasOpen ? '08006' : '08001',
        ...(sourceError instanceof Error && { sourceError }),
      }),
      wasOpen,
    );
  }

  socket.addEventListener('open', () => {
    if (state !== 'connecting') return;
    state = 'open';
    events.onOpen();
  });
  socket.addEventListener('message', (event) => {
    const { data } = event as { data: unknown };
    if (state === 'closed') return;
    if (typeof data === 'string') {
      socket.close(1003);
      closed('the server sent a text message on the WebSocket');
    } else if (data instanceof ArrayBuffer) events.onBytes(new Uint8Array(data));
    else if (ArrayBuffer.isView(data)) events.onBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
  // Its event says next to nothing; `close` follows, but not in every runtime when the upgrade failed.
  socket.addEventListener('error', (event) => {
    const { message = '', error } = event as { message?: string; error?: unknown };
    reason = message || (error instanceof Error ? error.message : '');
    if (state === 'connecting') closed(`the WebSocket could not be opened${reason && `: ${reason}`}`, error);
  });
  socket.addEventListener('close', (event) => {
    const { code, reason: text } = event as { code?: number; reason?: string };
    const why = [code, text || reason].filter(Boolean).join(' ');
    closed(
      state === 'open'
        ? `Connection terminated unexpectedly${why && ` (${why})`}`
        : `the WebSocket could not be opened${why && ` (${why})`}`,
    );
  });

  return {
    get protocol() {
      return socket.protocol ?? '';
    },
    get bufferedBytes() {
      return socket.bufferedAmount ?? 0;
    },
    send(bytes) {
      if (state === 'open') socket.send(bytes);
    },
    pause: () => socket.pause?.(),
    resume: () => socket.resume?.(),
    close() {
      state = 'closed';
      socket.close();
    },
  };
}
