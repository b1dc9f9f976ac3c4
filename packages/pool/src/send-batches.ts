/** Gathers what several sessions send on a shared connection during one round of events, so that it leaves in one write. */
import { type ByteBuffer, SpareBuffers } from './byte-buffer.ts';
import type { Outbox } from './outbox.ts';
import type { ServerConnection } from './server-connection.ts';

const maxSpare = 64;

export class SendBatches {
  private readonly toServer: Outbox;
  private readonly soon: (callback: () => void) => void;
  private readonly afterSending: () => void;
  private readonly batches = new Map<ServerConnection, ByteBuffer>();
  /** One per connection that had a batch at the same time. */
  private readonly spare = new SpareBuffers(maxSpare);
  private readonly sendAll = (): void => {
    for (const [server, batch] of this.batches) {
      if (!server.isGone) this.toServer.append(server.stream, batch.bytes, batch.start, batch.end);
      this.spare.give(batch);
    }
    this.batches.clear();
    this.afterSending();
  };

  constructor(toServer: Outbox, soon: (callback: () => void) => void, afterSending: () => void) {
    this.toServer = toServer;
    this.soon = soon;
    this.afterSending = afterSending;
  }

  /** `bytes` are borrowed. */
  append(server: ServerConnection, bytes: Uint8Array, start: number, end: number): void {
    let batch = this.batches.get(server);
    if (batch === undefined) {
      batch = this.spare.take();
      this.batches.set(server, batch);
      if (this.batches.size === 1) this.soon(this.sendAll);
    }
    batch.append(bytes, start, end);
  }
}
