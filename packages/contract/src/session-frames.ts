// The WebSocket subprotocol `postern.v1`: many Postgres sessions on one WebSocket. A frame is
//   Int32 session, Int32 length, `length` bytes
// in network order. The bytes are the session's Postgres protocol as it would be on a WebSocket of its own; where frames
// and WebSocket messages begin and end means nothing, for frames may be cut by messages and messages hold many frames.
// Length 0 ends a session's direction. Session 0 is control: one JSON object per frame.

/** Names in Sec-WebSocket-Protocol: what is offered and selected, and what begins the offer that is the hello. */
export const sessionSubprotocol = 'postern.v1';
const helloPrefix = 'p.';

/** Limits of the subprotocol. Whoever goes beyond is disconnected with close code 1002 (1009 for a message). */
export const sessionLimits = {
  /** Sessions open at once on one WebSocket. */
  maxSessions: 256,
  /** Payload of one frame. */
  maxPayloadBytes: 1_048_576,
  /** One WebSocket message. */
  maxMessageBytes: 2_097_152,
  /** The hello, decoded. In base64url a line of nginx' and Apache's 8 KiB; it shares Node's 16 KiB for all headers. */
  maxHelloBytes: 6_000,
  /** Payload of a control frame. */
  maxControlBytes: 1_024,
  /** Bytes per session and direction that may be under way without credit. */
  windowBytes: 1_048_576,
  /** A receiver gives credit at the latest when it has consumed so much. */
  creditStepBytes: 262_144,
} as const;

/** The peer broke the subprotocol's rules. `message` goes into the close frame: at most 123 bytes, nothing of the peer's. */
export class SessionFrameError extends Error {
  override readonly name = 'SessionFrameError';
  readonly closeCode = 1002;
}

const headerBytes = 8;
const maxSession = 0x7fff_ffff;

/** A frame with a copy of `payload`, which must have at least one byte and at most `maxPayloadBytes`. */
export function encodeSessionFrame(session: number, payload: Uint8Array): Uint8Array {
  const frame = encodeHeader(session, payload.length);
  frame.set(payload, headerBytes);
  return frame;
}

/** This direction of the session is over. From a client it is what closing a socket is, from the gateway it is the end. */
export function encodeSessionEnd(session: number): Uint8Array {
  return encodeHeader(session, 0);
}

/** The peer may send `bytes` more on `session`. */
export function encodeSessionCredit(session: number, bytes: number): Uint8Array {
  return encodeSessionFrame(0, new TextEncoder().encode(`{"type":"credit","session":${session},"bytes":${bytes}}`));
}

function encodeHeader(session: number, length: number): Uint8Array {
  const frame = new Uint8Array(headerBytes + length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, session);
  view.setUint32(4, length);
  return frame;
}

/** What a decoder finds. */
export interface SessionFrameHandler {
  /** Some bytes of a session, never none; borrowed: valid during the call only. A frame may come in several calls. */
  onBytes(session: number, bytes: Uint8Array): void;
  onEnd(session: number): void;
  /** A positive whole number of bytes. */
  onCredit(session: number, bytes: number): void;
}

export interface SessionFrameDecoder {
  /**
   * Takes the next bytes of the WebSocket; they are not kept. Throws SessionFrameError for what is no frame, and whatever
   * the handler throws; from then on always the same error.
   */
  push(chunk: Uint8Array): void;
}

/** Linear in the bytes pushed, and holds no more than one header or one control frame. */
export function createSessionFrameDecoder(handler: SessionFrameHandler): SessionFrameDecoder {
  /** Header or control payload that is incomplete. */
  const partial = new Uint8Array(sessionLimits.maxControlBytes);
  let partialBytes = 0;
  let session = 0;
  /** Payload bytes of the current frame still to come; undefined: a header is expected. */
  let remaining: number | undefined;
  let failure: { readonly error: unknown } | undefined;

  /** Fills `partial` up to `wanted`; returns how many bytes it took. */
  function gather(chunk: Uint8Array, at: number, wanted: number): number {
    const taken = Math.min(wanted - partialBytes, chunk.length - at);
    partial.set(chunk.subarray(at, at + taken), partialBytes);
    partialBytes += taken;
    return taken;
  }

  function readHeader(): void {
    const view = new DataView(partial.buffer);
    session = view.getUint32(0);
    const length = view.getUint32(4);
    partialBytes = 0;
    if (session > maxSession) throw new SessionFrameError('a session id is not in the range 1 to 2147483647');
    const max = session === 0 ? sessionLimits.maxControlBytes : sessionLimits.maxPayloadBytes;
    if (length > max) throw new SessionFrameError(`a frame is longer than ${max} bytes`);
    if (length > 0) remaining = length;
    else if (session > 0) handler.onEnd(session);
    else throw new SessionFrameError('a control frame is empty');
  }

  function readControl(length: number): void {
    partialBytes = 0;
    remaining = undefined;
    const control = parseControl(partial.subarray(0, length));
    // Other types may be added to this version: a receiver that does not know one need not act on it.
    if (control.type !== 'credit') return;
    if (!isCount(control.session) || !isCount(control.bytes)) throw new SessionFrameError('a credit makes no sense');
    handler.onCredit(control.session, control.bytes);
  }

  function decode(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (remaining === undefined) {
        at += gather(chunk, at, headerBytes);
        if (partialBytes === headerBytes) readHeader();
      } else if (session === 0) {
        const taken = gather(chunk, at, partialBytes + remaining);
        at += taken;
        remaining -= taken;
        if (remaining === 0) readControl(partialBytes);
      } else {
        const taken = Math.min(remaining, chunk.length - at);
        const bytes = chunk.subarray(at, at + taken);
        at += taken;
        remaining = taken === remaining ? undefined : remaining - taken;
        handler.onBytes(session, bytes);
      }
    }
  }

  return {
    push(chunk) {
      if (failure !== undefined) throw failure.error;
      try {
        decode(chunk);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
  };
}

function parseControl(payload: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    // Said below: neither error may quote the peer.
  }
  if (typeof json !== 'object' || json === null || !('type' in json) || typeof json.type !== 'string') {
    throw new SessionFrameError('a control frame is not a JSON object with a type');
  }
  return json as Record<string, unknown>; // an object; its other keys are checked where they are used
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= maxSession; // a number by then
}

/**
 * The second name to offer in Sec-WebSocket-Protocol: frames that arrive with the upgrade request itself, a few kB at most
 * (`maxHelloBytes`): each byte is an argument.
 */
export function encodeHello(frames: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...frames));
  return helloPrefix + base64.replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}

/** The frames among the names offered; undefined when there are none. Throws SessionFrameError when unreadable or too long. */
export function decodeHello(offered: Iterable<string>): Uint8Array | undefined {
  for (const name of offered) {
    if (!name.startsWith(helloPrefix)) continue;
    const text = name.slice(helloPrefix.length);
    if (text.length > Math.ceil((sessionLimits.maxHelloBytes * 4) / 3)) {
      throw new SessionFrameError(`the hello is longer than ${sessionLimits.maxHelloBytes} bytes`);
    }
    if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) throw new SessionFrameError('the hello is not base64url');
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }
  return undefined;
}
