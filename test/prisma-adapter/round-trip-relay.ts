import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Counts how often somebody waits for an answer on the way to a gateway. */
export interface RoundTripRelay {
  readonly port: number;
  /** Since the last call. */
  take(): number;
  close(): void;
}

/**
 * Bytes to the gateway that follow bytes from it (on the same connection, or as the first of one) are one more round trip:
 * whoever sends them waited for what came before. Opening a connection is not counted, for it is the same for all.
 */
export async function startRoundTripRelay(gatewayPort: number): Promise<RoundTripRelay> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const gateway = connect(gatewayPort, '127.0.0.1');
    let turn: 'caller' | 'gateway' = 'gateway';
    caller.setNoDelay();
    gateway.setNoDelay();
    caller.on('data', (bytes) => {
      if (turn === 'gateway') count++;
      turn = 'caller';
      gateway.write(bytes);
    });
    gateway.on('data', (bytes) => {
      turn = 'gateway';
      caller.write(bytes);
    });
    for (const [one, other] of [
      [caller, gateway],
      [gateway, caller],
    ] as const) {
      sockets.add(one);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // a TCP server's address
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
