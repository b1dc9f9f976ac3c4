/**
 * The seam: the one interface through which the engine touches the outside world's bytes.
 * Every transport is a ByteStream: TCP, TLS, WebSocket, memory. Message boundaries mean nothing on it. Who keeps borrowed
 * bytes copies them by `new Uint8Array(bytes)`: they may be a Buffer, and `slice()` of a Buffer copies nothing.
 */

/** How a peer is reached; decides whether a cleartext password may be asked for. */
export type StreamSecurity = 'loopback' | 'tls' | 'plain';

/** A duplex stream of bytes with back-pressure in both directions. */
export interface ByteStream {
  /**
   * Set by the owner. `bytes` are borrowed: valid during the call only. The owner of a server connection's stream that
   * handed the very memory on (a `write` that returned false) answers true: "kept", and the stream reads into other memory
   * from then on. Callers' streams share the memory they read into: it cannot be kept.
   */
  onData: ((bytes: Uint8Array) => boolean | undefined) | undefined;
  /** The write backlog is gone (after `write` returned false). */
  onDrain: (() => void) | undefined;
  /** Called exactly once; nothing is called after it. `error` is set when it did not end by FIN or close frame. */
  onClose: ((error?: Error) => void) | undefined;
  /**
   * true: the bytes were consumed, the caller may reuse their memory at once.
   * false: the stream keeps the very memory until `onDrain`; the caller must not touch it again and should pause.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes accepted by `write` and not yet taken by the transport. */
  readonly bufferedBytes: number;
  readonly security: StreamSecurity;
  /** Stop calling `onData`. */
  pause(): void;
  resume(): void;
  /** Send what was written, then close. */
  end(): void;
  /** Close now. Both may be called twice. */
  destroy(error?: Error): void;
}
