// Loaded into every process that runs a code block. The block is run as it stands; only the network is ours: the names that
// documentation uses lead to the servers of this test, and what listens does so on a free port of this machine.
import { createRequire } from 'node:module';
import net from 'node:net';

/** `gate.example.com:443` → port on this machine. */
const ports = JSON.parse(process.env.POSTERN_DOCS_NETWORK ?? '{}');

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  // Normalised already when it comes from net.connect or tls.connect: one array with options and callback.
  const args = Array.isArray(given[0]) ? given[0] : given;
  const options = typeof args[0] === 'object' ? args[0] : { port: args[0], host: args[1] };
  if (options?.path !== undefined && options.path !== null && options.port === undefined)
    return connect.apply(this, given);
  const port = ports[`${options.host ?? 'localhost'}:${options.port}`];
  if (port === undefined) return connect.apply(this, given);
  const callback = args.find((argument) => typeof argument === 'function');
  return connect.call(this, { ...options, host: '127.0.0.1', port, lookup: undefined }, callback);
};

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'object' && first?.port !== undefined) {
    return listen.call(this, { ...first, host: '127.0.0.1', port: 0 }, ...rest);
  }
  if (typeof first === 'number') {
    return listen.call(
      this,
      { host: '127.0.0.1', port: 0 },
      ...rest.filter((argument) => typeof argument === 'function'),
    );
  }
  return listen.call(this, first, ...rest);
};

// Workers, edge functions and Node 22 have one; Node 20 has not.
if (globalThis.WebSocket === undefined && process.env.POSTERN_DOCS_WEBSOCKET === 'yes') {
  globalThis.WebSocket = createRequire(import.meta.url)('ws').WebSocket;
}
