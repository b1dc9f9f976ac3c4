// A WebSocket relay that answers in frames of 1 KiB as Neon's proxy does (reference/neon-wire.md §2.2): it has a copy buffer
// of that size, and what each read brings becomes a frame. Argument: the TCP port it relays to.
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

const frameBytes = 1024;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });

server.on('connection', (webSocket) => {
  const socket = connect({
    port: Number(process.argv[2]),
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.alloc(frameBytes),
      callback(count, buffer) {
        webSocket.send(Buffer.from(buffer.subarray(0, count)));
        return true;
      },
    },
  });
  webSocket.on('message', (data: Buffer) => socket.write(data));
  webSocket.on('close', () => socket.destroy());
  webSocket.on('error', () => socket.destroy());
  socket.on('error', () => webSocket.terminate());
  socket.on('close', () => webSocket.close());
});
server.on('listening', () => console.log((server.address() as AddressInfo).port));
