/**
 * Upgrades to what is not served here. Clients that offer HTTP/2 in passing (h2c: Java's HttpClient, curl --http2) expect
 * their request to be answered as if they had not asked (RFC 9110 §7.8), but node:http hands it out as the last one of its
 * connection; so the connection goes back to the server, with the request as it would have been.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { behind, OpenAnswers } from './open-answers.ts';
import type { UpgradeListener } from './websocket-upgrade.ts';

/** Takes what asks for a WebSocket to `upgrade`, and ignores all other wishes. */
export function createUpgradeListener(server: Server, upgrade: UpgradeListener): UpgradeListener {
  const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  // An upgrade may have been sent behind a request that is not answered yet.
  const answers = new OpenAnswers();
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answers.note(socket, response);
  });

  return (request, duplex, head) => {
    if (wordsOf(request.headers.upgrade).includes('websocket')) {
      upgrade(request, duplex, head);
      return;
    }
    const socket = duplex as Socket; // node:http and node:https hand over the net.Socket or TLSSocket they accepted
    const giveBack = (): void => {
      socket.off('error', ignore);
      if (socket.destroyed) return;
      // What the server has set it sets anew.
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(Buffer.concat([encodeHead(request), head]));
      server.emit(event, socket);
      socket.resume();
    };
    socket.on('error', ignore);
    behind(answers.of(socket), giveBack);
  };
}

function ignore(): void {}

/** Without the wish, and what belongs to it. Header values are latin1, as node:http reads them. */
function encodeHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (name === 'upgrade' || name === 'http2-settings') continue;
    const value = name === 'connection' ? otherWords(rawHeaders[at + 1]!) : rawHeaders[at + 1]!;
    if (name !== 'connection' || value !== '') text += `${rawHeaders[at]}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function otherWords(connection: string): string {
  return wordsOf(connection)
    .filter((word) => word !== 'upgrade' && word !== 'http2-settings')
    .join(', ');
}

function wordsOf(list: string | undefined): string[] {
  return (list ?? '').split(',').map((word) => word.trim().toLowerCase());
}
