/**
 * Decodes the one packet that opens a connection, in however many pieces it comes. It follows Postgres'
 * ProcessStartupPacket (src/backend/tcop/backend_startup.c); an SSLRequest or GSSENCRequest is answered by the owner,
 * who then makes a new decoder for what follows.
 */
import { BodyReader } from './bytes/body-reader.ts';
import { concatBytes } from './bytes/concat-bytes.ts';
import {
  latestProtocolMinor,
  maxSecretKeyBytes,
  minSecretKeyBytes,
  protocolMajor,
  StartupCode,
} from './messages/startup-packets.ts';
import { ProtocolError } from './protocol-error.ts';
import { sqlState } from './sql-state.ts';

export type StartupPacket =
  | {
      readonly kind: 'startup';
      /** The client asks for protocol 3.`minor`, which may be newer than ours. */
      readonly minor: number;
      /** In the order sent; of a name sent twice the last value. Without the protocol options. */
      readonly parameters: ReadonlyMap<string, string>;
      /** Names of the parameters that start with `_pq_.`: requests for protocol extensions. */
      readonly protocolOptions: readonly string[];
    }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secretKey: Uint8Array }
  | { readonly kind: 'ssl-request' }
  | { readonly kind: 'gssenc-request' }
  /** The first byte opens a TLS handshake (PostgreSQL 17's sslnegotiation=direct). Nothing is consumed. */
  | { readonly kind: 'direct-tls' };

export interface StartupDecoderOptions {
  /** Limit for the packet without its length word; default 10 000, as Postgres' MAX_STARTUP_PACKET_LENGTH. */
  readonly maxBytes?: number;
}

export interface StartupDecoder {
  /**
   * Takes the next bytes; they are not kept. Returns the packet with the chunk that completes it; after that it must
   * not be called again. Throws ProtocolError, and from then on always the same one.
   */
  push(chunk: Uint8Array): StartupPacket | undefined;
  /** What arrived behind the packet, as a copy. For 'direct-tls' everything that arrived. */
  rest(): Uint8Array;
}

type State =
  | { readonly name: 'collecting' }
  | { readonly name: 'done'; readonly rest: Uint8Array }
  | { readonly name: 'failed'; readonly error: unknown };

const tlsHandshakeByte = 0x16;
const lengthBytes = 4;
const protocolOptionPrefix = '_pq_.';

export function createStartupDecoder(options: StartupDecoderOptions = {}): StartupDecoder {
  const { maxBytes = 10_000 } = options;
  let state: State = { name: 'collecting' };
  /** Length word and packet, ours alone: what is decoded may keep views of it. Small until the length has been checked; then of exactly that length. */
  let packet: Uint8Array = new Uint8Array(lengthBytes);
  let packetBytes = 0;

  /** Moves bytes into `packet` until it is full; returns how many. */
  function gather(chunk: Uint8Array, at: number): number {
    const taken = Math.min(packet.length - packetBytes, chunk.length - at);
    packet.set(chunk.subarray(at, at + taken), packetBytes);
    packetBytes += taken;
    return taken;
  }

  function decode(chunk: Uint8Array): StartupPacket | undefined {
    if (chunk.length === 0) return undefined;
    if (packetBytes === 0 && chunk[0] === tlsHandshakeByte) {
      state = { name: 'done', rest: chunk.slice() };
      return { kind: 'direct-tls' };
    }
    let at = 0;
    if (packetBytes < lengthBytes) {
      at = gather(chunk, 0);
      if (packetBytes < lengthBytes) return undefined;
      const length = new BodyReader(packet, 'start-up').uint32();
      if (length < lengthBytes + 4 || length - lengthBytes > maxBytes) {
        throw new ProtocolError('invalid length of startup packet', {
          detail: `a start-up packet has ${lengthBytes + 4} to ${lengthBytes + maxBytes} bytes, not ${length}`,
        });
      }
      packet = concatBytes([packet, new Uint8Array(length - lengthBytes)]);
    }
    at += gather(chunk, at);
    if (packetBytes < packet.length) return undefined;
    const decoded = decodeStartupPacket(packet.subarray(lengthBytes));
    state = { name: 'done', rest: chunk.slice(at) };
    return decoded;
  }

  return {
    push(chunk) {
      if (state.name === 'failed') throw state.error;
      if (state.name === 'done') throw new ProtocolError('push on a finished start-up decoder', { side: 'local' });
      try {
        return decode(chunk);
      } catch (error) {
        state = { name: 'failed', error };
        throw error;
      }
    },
    rest() {
      if (state.name === 'done') return state.rest;
      throw new ProtocolError('the start-up packet has not arrived in full', { side: 'local' });
    },
  };
}

/** `body` is the packet without its length word. */
function decodeStartupPacket(body: Uint8Array): StartupPacket {
  const reader = new BodyReader(body, 'start-up');
  const code = reader.uint32();
  switch (code) {
    case StartupCode.SslRequest:
      reader.end();
      return { kind: 'ssl-request' };
    case StartupCode.GssencRequest:
      reader.end();
      return { kind: 'gssenc-request' };
    case StartupCode.CancelRequest:
      return decodeCancelRequest(reader);
    default:
      return decodeStartupMessage(code, body.subarray(4));
  }
}

function decodeCancelRequest(reader: BodyReader): StartupPacket {
  if (reader.remaining < 4 + minSecretKeyBytes || reader.remaining > 4 + maxSecretKeyBytes) {
    throw new ProtocolError('invalid length of cancel request packet', {
      detail: `a cancel key has ${minSecretKeyBytes} to ${maxSecretKeyBytes} bytes`,
    });
  }
  return { kind: 'cancel', processId: reader.int32(), secretKey: reader.rest() };
}

function decodeStartupMessage(version: number, body: Uint8Array): StartupPacket {
  const major = version >>> 16;
  const minor = version & 0xffff;
  if (major !== protocolMajor) {
    throw new ProtocolError(
      `unsupported frontend protocol ${major}.${minor}: ` +
        `server supports ${protocolMajor}.0 to ${protocolMajor}.${latestProtocolMinor}`,
      { code: sqlState.featureNotSupported },
    );
  }
  // The layout: (name NUL value NUL)* NUL. A body that does not end so would be read over its end.
  if (body.at(-1) !== 0) throw missingTerminator();
  const reader = new BodyReader(body, 'start-up');
  const parameters = new Map<string, string>();
  const protocolOptions: string[] = [];
  for (let name = reader.cString(); name !== ''; name = reader.cString()) {
    if (reader.remaining < 2) throw missingTerminator();
    const value = reader.cString();
    if (reader.remaining === 0) throw missingTerminator();
    if (name.startsWith(protocolOptionPrefix)) protocolOptions.push(name);
    else parameters.set(name, value);
  }
  if (reader.remaining > 0) throw missingTerminator();
  return { kind: 'startup', minor, parameters, protocolOptions };
}

/** Postgres' text for every packet that does not end where its parameters do. */
function missingTerminator(): ProtocolError {
  return new ProtocolError('invalid startup packet layout: expected terminator as last byte');
}
