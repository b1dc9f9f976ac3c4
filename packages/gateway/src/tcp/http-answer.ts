/** An error as the bytes of an HTTP response, for HTTP clients at the port of the Postgres protocol. */
import type { GatewayError } from '@postern/contract';
import { concatBytes, encodeText } from '@postern/wire';
import { errorReply } from '../http/error-reply.ts';
import { sqlResponseHeaders } from '../http/response-headers.ts';

/** What `/sql` would answer, so that drivers show it. */
export function httpAnswer(error: GatewayError): Uint8Array {
  const content = encodeText(JSON.stringify(errorReply(error).body));
  const headers = { ...sqlResponseHeaders, 'content-length': content.length, connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return concatBytes([encodeText(`HTTP/1.1 400 Bad Request\r\n${lines.join('')}\r\n`), content]);
}
