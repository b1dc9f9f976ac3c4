/**
 * The bytes, or the request to make bytes, broke the rules of the protocol. Nothing can be said about what the peer
 * did with them, so it is never safe to retry blindly and the connection it came from must be closed.
 */

export interface ProtocolErrorOptions {
  /** Who is to blame: 'remote' (default) sent something malformed, 'local' asked for something that cannot be sent. */
  readonly side?: 'local' | 'remote';
  /** SQLSTATE to answer with; default 08P01 protocol_violation. */
  readonly code?: string;
  /** For operators. Never holds payload bytes. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly kind = 'protocol';
  readonly side: 'local' | 'remote';
  /** SQLSTATE. */
  readonly code: string;
  readonly detail: string | undefined;
  readonly safeToRetry = false;

  constructor(message: string, options: ProtocolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.side = options.side ?? 'remote';
    this.code = options.code ?? '08P01';
    this.detail = options.detail;
  }
}
