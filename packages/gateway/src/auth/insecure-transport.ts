/** Passwords and keys are neither asked for nor taken where others could listen in. */
import { GatewayError } from '@postern/contract';

/** `hint`: how this caller gets a connection on which they are. */
export function insecureTransport(hint: string): GatewayError {
  return new GatewayError('insecure_transport', 'this connection is not encrypted, so no password is accepted on it', {
    hint,
  });
}
