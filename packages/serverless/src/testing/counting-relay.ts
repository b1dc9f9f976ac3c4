import { type AddressInfo, connect, createServer } from 'node:net';

/** A TCP relay that counts, instead of timing: connections, and how often the direction of the data turns around. */
export interface CountingRelay {
  readonly port: number;
  readonly connections: number;
  /** Replies the caller had to wait for so far: bursts of bytes towards it that followed something it had sent. */
  readonly roundTrips: number;
  /** On the connections there are nothing passes any more, and nothing is closed. */
  freeze(): void;
  close(): void;
}

export async function startCountingRelay(targetPort: number, delayMs = 15): Promise<CountingRelay> {
  let connections = 0;
  let roundTrips = 0;
  let freezes = 0;
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((caller) => {
    connections++;
    let isAsking = false;
    const freezesBefore = freezes;
    const target = connect(targetPort, '127.0.0.1');
    sockets.add(caller).add(target);
    caller.on('error', () => target.destroy());
    target.on('error', () => caller.destroy());
    caller.on('data', (bytes) => {
      isAsking = true;
      setTimeout(() => freezes === freezesBefore && target.write(bytes), delayMs);
    });
    target.on('data', (bytes) => {
      // What comes within one delay of the first bytes was under way at the same time.
      if (isAsking) roundTrips++;
      isAsking = false;
      setTimeout(() => freezes === freezesBefore && caller.write(bytes), delayMs);
    });
    caller.on('close', () => setTimeout(() => target.end(), delayMs));
    target.on('close', () => setTimeout(() => caller.end(), delayMs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get roundTrips() {
      return roundTrips;
    },
    freeze() {
      freezes++;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
