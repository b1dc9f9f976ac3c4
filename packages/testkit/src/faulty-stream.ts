import type { ByteStream, StreamSecurity } from '@postern/pool';

// An in-memory connection that behaves as badly as the seam allows: it cuts anywhere, takes nothing until told,
// overwrites lent memory as soon as the loan is over, and breaks on demand. Delivery is never inside `write`.

/** How the bytes of one direction travel; every field can be changed while it runs. */
export interface Faults {
  /** Largest piece handed to `onData` at once; 1 cuts at every byte. */
  maxPieceBytes: number;
  /** `write` answers false (and keeps the memory) once this many bytes wait. */
  highWaterBytes: number;
  /** true: nothing arrives until it is false again. */
  isStalled: boolean;
  /** The connection breaks (ECONNRESET on both ends) after this many bytes of this direction. */
  breakAfterBytes: number;
}

export interface FaultyStreamPair {
  readonly client: ByteStream;
  readonly server: ByteStream;
  readonly clientToServer: Faults;
  readonly serverToClient: Faults;
  /** Delivers until nothing moves any more. Happens by itself in the next microtask, too. */
  pump(): void;
  /** Breaks the connection now, as seen from both ends. */
  break(error?: Error): void;
}

interface End {
  readonly stream: ByteStream;
  readonly inbox: Direction;
  readonly outbox: Direction;
  isPaused: boolean;
  state: 'open' | 'ending' | 'closed';
}

/** A piece of a direction: either our copy, or memory the writer left with us until the drain. */
interface Piece {
  readonly bytes: Uint8Array;
  /** What the lent memory held when it was lent; the writer must not have touched it when it is delivered. */
  readonly expected: Uint8Array | undefined;
}

interface Direction {
  readonly faults: Faults;
  readonly pieces: Piece[];
  waitingBytes: number;
  deliveredBytes: number;
  isDrainOwed: boolean;
  isFinished: boolean;
}

export function createFaultyStreamPair(
  options: Partial<Faults> & { security?: StreamSecurity } = {},
): FaultyStreamPair {
  const toServer = createDirection(options);
  const toClient = createDirection(options);
  let isPumpPlanned = false;
  let isPumping = false;

  const client = createEnd(toClient, toServer);
  const server = createEnd(toServer, toClient);

  function createEnd(inbox: Direction, outbox: Direction): End {
    let onData: ByteStream['onData'];
    const end: End = {
      inbox,
      outbox,
      isPaused: false,
      state: 'open',
      stream: {
        get onData() {
          return onData;
        },
        set onData(reader) {
          onData = reader;
          planPump();
        },
        onDrain: undefined,
        onClose: undefined,
        security: options.security ?? 'loopback',
        get bufferedBytes() {
          return outbox.waitingBytes;
        },
        write(bytes) {
          if (end.state !== 'open' || bytes.length === 0) return true;
          const isKept = outbox.waitingBytes + bytes.length > outbox.faults.highWaterBytes;
          outbox.pieces.push({ bytes: isKept ? bytes : bytes.slice(), expected: isKept ? bytes.slice() : undefined });
          outbox.waitingBytes += bytes.length;
          if (isKept) outbox.isDrainOwed = true;
          planPump();
          return !isKept;
        },
        pause() {
          end.isPaused = true;
        },
        resume() {
          end.isPaused = false;
          planPump();
        },
        end() {
          if (end.state !== 'open') return;
          end.state = 'ending';
          outbox.isFinished = true;
          planPump();
        },
        destroy(error) {
          if (end.state === 'closed') return;
          close(end, error);
          const peer = end === client ? server : client;
          // As with a socket: what was not delivered is lost and the other end is reset, otherwise it sees a plain end.
          const loss = outbox.waitingBytes > 0 || inbox.waitingBytes > 0 ? reset() : undefined;
          queueMicrotask(() => close(peer, loss));
        },
      },
    };
    return end;
  }

  function close(end: End, error?: Error): void {
    if (end.state === 'closed') return;
    end.state = 'closed';
    end.inbox.pieces.length = 0;
    end.inbox.waitingBytes = 0;
    end.stream.onClose?.(error);
  }

  function breakNow(error: Error = reset()): void {
    close(client, error);
    close(server, error);
  }

  function planPump(): void {
    if (isPumpPlanned) return;
    isPumpPlanned = true;
    queueMicrotask(() => {
      isPumpPlanned = false;
      pump();
    });
  }

  function pump(): void {
    if (isPumping) return;
    isPumping = true;
    try {
      while (deliver(client, server) || deliver(server, client));
    } finally {
      isPumping = false;
    }
  }

  /** Moves one piece from one end to the other; false when nothing could move. */
  function deliver(from: End, to: End): boolean {
    const { outbox } = from;
    if (to.state === 'closed' || to.isPaused || outbox.faults.isStalled || !to.stream.onData) return false;
    const piece = outbox.pieces[0];
    if (!piece) {
      if (outbox.isDrainOwed) {
        outbox.isDrainOwed = false;
        if (from.state === 'open') from.stream.onDrain?.();
        return true;
      }
      if (outbox.isFinished && from.state === 'ending') {
        close(from);
        close(to);
      }
      return false;
    }
    const room = outbox.faults.breakAfterBytes - outbox.deliveredBytes;
    const size = Math.min(piece.bytes.length, Math.max(1, outbox.faults.maxPieceBytes), room);
    if (piece.expected?.some((byte, i) => byte !== piece.bytes[i])) {
      breakNow();
      throw new Error('The writer changed memory it had left with the stream (write returned false, no drain yet).');
    }
    if (size < piece.bytes.length) {
      outbox.pieces[0] = { bytes: piece.bytes.subarray(size), expected: piece.expected?.subarray(size) };
    } else {
      outbox.pieces.shift();
    }
    outbox.waitingBytes -= size;
    outbox.deliveredBytes += size;
    if (size > 0) lend(to, piece.bytes.subarray(0, size));
    if (outbox.deliveredBytes >= outbox.faults.breakAfterBytes) breakNow();
    return true;
  }

  return {
    client: client.stream,
    server: server.stream,
    clientToServer: toServer.faults,
    serverToClient: toClient.faults,
    pump,
    break: breakNow,
  };
}

/** Hands a copy to the reader for the duration of the call, and spoils it afterwards unless the reader kept it. */
function lend(end: End, bytes: Uint8Array): void {
  const lent = bytes.slice();
  const isKept = end.stream.onData?.(lent);
  if (isKept !== true) lent.fill(0xee);
}

function createDirection(faults: Partial<Faults>): Direction {
  return {
    faults: {
      maxPieceBytes: faults.maxPieceBytes ?? Number.POSITIVE_INFINITY,
      highWaterBytes: faults.highWaterBytes ?? 64 * 1024,
      isStalled: faults.isStalled ?? false,
      breakAfterBytes: faults.breakAfterBytes ?? Number.POSITIVE_INFINITY,
    },
    pieces: [],
    waitingBytes: 0,
    deliveredBytes: 0,
    isDrainOwed: false,
    isFinished: false,
  };
}

function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
