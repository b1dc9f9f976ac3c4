/** Callers that took one of the gateway's ports for the other are told which one serves them. */
import { GatewayError } from '@postern/contract';
import { decodeText } from '@postern/wire';

/** To who speaks the Postgres protocol to the port of HTTP. `tcpPort` undefined: there is none. */
export function postgresAtHttp(tcpPort: number | undefined): GatewayError {
  const hint =
    tcpPort === undefined
      ? 'The Postgres protocol over TCP is not served here (--tcp).'
      : `Connect to port ${tcpPort} (--tcp).`;
  return wrongPort('this port serves HTTP and WebSocket, and a Postgres client has connected to it', hint);
}

/** To who sends HTTP to the port of the Postgres protocol. */
export function httpAtPostgres(httpPort: number | undefined): GatewayError {
  const where = httpPort === undefined ? '' : `port ${httpPort}, `;
  return wrongPort(
    `this port serves the Postgres protocol; HTTP and WebSocket are served at ${where}--http`,
    'Point the driver there: its fetchEndpoint and wsProxy, or the port of the connection string.',
  );
}

/** To a proxy that begins with who its client is. */
export function proxyHeaderAtPostgres(): GatewayError {
  return wrongPort(
    'a header of the PROXY protocol came first, which is not read here',
    'Switch it off (HAProxy: send-proxy).',
  );
}

function wrongPort(message: string, hint: string): GatewayError {
  return new GatewayError('protocol_violation', message, { hint });
}

/** Whether these first bytes are a request of HTTP: as the length of a start-up packet they would be far too much. */
export function isHttpRequest(bytes: Uint8Array): boolean {
  return methods.test(decodeText(bytes.subarray(0, 4)));
}

/** Whether these first bytes are a header of the PROXY protocol, in text (version 1) or bytes (2). */
export function isProxyHeader(bytes: Uint8Array): boolean {
  return proxyHeaders.test(decodeText(bytes.subarray(0, 4)));
}

/** Whether these first bytes are the length of a start-up packet, which is below 65 536. No request of HTTP has such. */
export function isStartupPacket(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0;
}

const proxyHeaders = /^(?:PROX|\r\n\r\n)$/;
const methods = /^(?:GET |HEAD|POST|PUT |DELE|OPTI|PATC|CONN|TRAC|PRI )/;
