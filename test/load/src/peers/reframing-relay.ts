// A WebSocket relay that answers in frames of 1 KiB, as wsproxy does. Argument: the TCP port it relays to.
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

const frameBytes = 1024;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });

server.on('connection', (webSocket) => {
  const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', noDelay: true });
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; at += frameBytes) webSocket.send(chunk.subarray(at, at + frameBytes));
  });
  webSocket.on('message', (data: Buffer) => socket.write(data));
  webSocket.on('close', () => socket.destroy());
  webSocket.on('error', () => socket.destroy());
  socket.on('error', () => webSocket.terminate());
  socket.on('close', () => webSocket.close());
});
server.on('listening', () => console.log((server.address() as AddressInfo).port));
