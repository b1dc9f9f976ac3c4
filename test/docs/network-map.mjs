// Loaded into every process that runs a code block. The block is run as it stands; only the network is ours: the names that
// documentation uses lead to the servers of this test, and what listens does so on a free port of this machine.
import cluster from 'node:cluster';
import { createRequire } from 'node:module';
import net from 'node:net';

/** `gate.example.com:443` → port on this machine. */
const ports = JSON.parse(process.env.POSTERN_DOCS_NETWORK ?? '{}');

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...received) {
  // Normalised already when it comes from net.connect or tls.connect: one array with options and callback.
  const args = Array.isArray(received[0]) ? received[0] : received;
  const options = typeof args[0] === 'object' ? args[0] : { port: args[0], host: args[1] };
  if (options?.path !== undefined && options.path !== null && options.port === undefined)
    return connect.apply(this, received);
  const port = ports[`${options.host ?? 'localhost'}:${options.port}`];
  if (port === undefined) return connect.apply(this, received);
  const callback = args.find((argument) => typeof argument === 'function');
  return connect.call(this, { ...options, host: '127.0.0.1', port, lookup: undefined }, callback);
};

const listen = net.Server.prototype.listen;
/** Ports this process has been given: asked for again, they are meant. */
const given = new Set();
net.Server.prototype.listen = function (first, ...rest) {
  const options = typeof first === 'number' ? { port: first } : first;
  // A worker process asks its primary, which has come by here.
  if (typeof options?.port !== 'number' || given.has(options.port) || cluster.isWorker) {
    return listen.call(this, first, ...rest);
  }
  this.once('listening', () => given.add(this.address()?.port));
  const callbacks = rest.filter((argument) => typeof argument === 'function');
  return listen.call(this, { ...options, host: '127.0.0.1', port: 0 }, ...callbacks);
};

// Workers, edge functions and Node 22 have one; Node 20 has not.
if (globalThis.WebSocket === undefined && process.env.POSTERN_DOCS_WEBSOCKET === 'yes') {
  globalThis.WebSocket = createRequire(import.meta.url)('ws').WebSocket;
}
