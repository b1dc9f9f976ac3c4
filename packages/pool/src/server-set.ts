/**
 * Server connections in one of a pool's states, in no order. A connection is in one such set at most, and knows its place
 * there: what goes in and out with every query is not for a Set, which makes room anew all the time.
 */
import type { ServerConnection } from './server-connection.ts';

export class ServerSet implements Iterable<ServerConnection> {
  private readonly servers: ServerConnection[] = [];

  get size(): number {
    return this.servers.length;
  }

  add(server: ServerConnection): void {
    if (this.has(server)) return;
    server.place = this.servers.length;
    this.servers.push(server);
  }

  /** False: it was not there. */
  delete(server: ServerConnection): boolean {
    if (!this.has(server)) return false;
    const last = this.servers.pop()!;
    if (last === server) return true;
    this.servers[server.place] = last;
    last.place = server.place;
    return true;
  }

  private has(server: ServerConnection): boolean {
    return this.servers[server.place] === server;
  }

  [Symbol.iterator](): Iterator<ServerConnection> {
    return this.servers.values();
  }
}
