/** Where a request to node:http comes from, and whether others could have read it on its way. */
import type { IncomingMessage } from 'node:http';
import type { HttpCallerPlace } from '../http/http-app.ts';
import { socketSecurity } from './socket-stream.ts';

/** By lower-case name, as node:http and `SqlHttpRequest.header` have it. */
export const forwardedProtoHeader = 'x-forwarded-proto';

export function callerPlace({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): HttpCallerPlace {
  return {
    remoteAddress: socket.remoteAddress,
    security: isForwardedSecurely(headers[forwardedProtoHeader]) ? 'tls' : socketSecurity(socket),
  };
}

/**
 * A proxy that ends TLS in front of us says so. To lie about it a caller would have to be the one whose password it
 * concerns, so the header is taken at its word.
 */
export function isForwardedSecurely(forwardedProto: string | string[] | undefined): boolean {
  const first = Array.isArray(forwardedProto) ? forwardedProto[0] : forwardedProto;
  const protocol = first?.split(',')[0]?.trim().toLowerCase();
  return protocol === 'https' || protocol === 'wss';
}
