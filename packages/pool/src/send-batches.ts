/** Gathers what several sessions send on a shared connection during one round of events, so that it leaves in one write. */
import { SpareBuffers } from './byte-buffer.ts';
import type { Outbox } from './outbox.ts';
import type { ServerConnection } from './server-connection.ts';

const maxSpare = 64;

export class SendBatches {
  private readonly toServer: Outbox;
  private readonly servers: ServerConnection[] = [];
  /** One per connection that had a batch at the same time. */
  private readonly spare = new SpareBuffers(maxSpare);

  constructor(toServer: Outbox) {
    this.toServer = toServer;
  }

  /** `bytes` are borrowed. */
  append(server: ServerConnection, bytes: Uint8Array, start: number, end: number): void {
    if (server.batch === undefined) {
      server.batch = this.spare.take();
      this.servers.push(server);
    }
    server.batch.append(bytes, start, end);
  }

  /** Hands all of it on, at the end `now` of the turn that began at `startedAt`. */
  send(startedAt: number, now: number): void {
    for (const server of this.servers) {
      if (server.headSince >= startedAt) server.headSince = now;
      const batch = server.batch!;
      server.batch = undefined;
      server.gathers = false;
      if (!server.isGone) this.toServer.append(server.stream, batch.bytes, batch.start, batch.end);
      this.spare.give(batch);
    }
    this.servers.length = 0;
  }
}
