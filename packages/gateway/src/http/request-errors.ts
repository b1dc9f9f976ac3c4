// Errors that are made in several places, so that they are the same everywhere.

import { GatewayError } from '@postern/contract';

export function requestTooLarge(maxBytes: number): GatewayError {
  return new GatewayError('request_too_large', `request is too large (max is ${maxBytes} bytes)`);
}

/** The connection ended before the response was sent. Nobody reads it but the log. */
export function callerGone(): GatewayError {
  return new GatewayError('query_cancelled', 'the caller went away');
}

export function responseTooLarge(maxBytes: number): GatewayError {
  return new GatewayError('response_too_large', `response is too large (max is ${maxBytes} bytes)`);
}

export function sessionEnded(): GatewayError {
  return new GatewayError('server_connection_lost', 'the session ended before the statement was answered');
}
