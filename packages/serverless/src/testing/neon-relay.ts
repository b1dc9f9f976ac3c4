import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/**
 * In front of a gateway, what a caller would see of Neon's own proxy (reference/neon-wire.md): of HTTP only the headers and
 * bodies it knows, of WebSockets only bytes, with no subprotocol however many are offered. Nothing of Postern's gets through.
 */
export interface NeonRelay {
  readonly port: number;
  /** Bodies of requests, and what WebSockets were opened with. */
  readonly requests: string[];
  readonly offers: (string | undefined)[];
  close(): void;
}

const knownHeaders = /^(authorization$|neon-|content-type$)/;
const knownAnswers = /^(neon-request-id|neon-batch-.*|content-type|access-control-allow-origin)$/;

/** What it does about subprotocols: says nothing of them, or refuses the upgrade. */
export async function startNeonRelay(gatewayPort: number, subprotocols: 'ignored' | 'refused'): Promise<NeonRelay> {
  const requests: string[] = [];
  const offers: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push(body);
    const json = JSON.parse(body) as Record<string, unknown>;
    if (typeof json.query !== 'string' && !Array.isArray(json.queries)) {
      const message = 'could not parse the HTTP request body: data did not match any variant of untagged enum Payload';
      response.writeHead(400).end(JSON.stringify({ message, code: '', severity: '', detail: null }));
      return;
    }
    const aborted = new AbortController();
    response.on('close', () => aborted.abort());
    const answer = await fetch(`http://127.0.0.1:${gatewayPort}/sql`, {
      method: 'POST',
      body,
      headers: known(request.headers, knownHeaders),
      signal: aborted.signal,
    }).catch(() => undefined);
    if (!answer) return;
    response.writeHead(answer.status, known(Object.fromEntries(answer.headers), knownAnswers));
    response.end(await answer.text());
  });
  const sockets = new WebSocketServer({
    server,
    handleProtocols: () => false,
    verifyClient: ({ req }: { req: IncomingMessage }) => {
      const offer = req.headers['sec-websocket-protocol'];
      offers.push(offer);
      return subprotocols === 'ignored' || offer === undefined;
    },
  });
  sockets.on('connection', (caller) => {
    const target = new WebSocket(`ws://127.0.0.1:${gatewayPort}/v2`);
    const early: Buffer[] = [];
    caller.on('message', (bytes: Buffer) => {
      if (target.readyState === target.OPEN) target.send(bytes);
      else early.push(bytes);
    });
    target.on('open', () => {
      for (const bytes of early) target.send(bytes);
    });
    target.on('message', (bytes: Buffer) => caller.send(bytes));
    for (const [one, other] of [
      [caller, target],
      [target, caller],
    ] as const) {
      one.on('close', () => other.close());
      one.on('error', () => other.terminate());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    offers,
    close() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

function known(headers: Readonly<Record<string, unknown>>, names: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (names.test(name) ? [[name, String(value)]] : [])),
  );
}
