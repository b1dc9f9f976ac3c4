import { createServer } from 'node:net';

// Ephemeral client ports start at 32768 on Linux: a server port above can be taken by any outgoing connection.
const lowest = 20_000;
const highest = 32_000;

/** A TCP port on loopback that was free a moment ago, below the ephemeral range. */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(host, port)) return port;
  }
  throw new Error(`No free TCP port on ${host} between ${lowest} and ${highest}.`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
