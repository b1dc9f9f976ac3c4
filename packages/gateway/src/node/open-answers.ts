/** node:http hands out what was sent ahead at once; what must not run beside the answer before it waits for that here. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The latest answer of each connection, as long as it is not over. */
export class OpenAnswers {
  private readonly latest = new WeakMap<Duplex, ServerResponse>();

  /** `response` is the latest from now on. Returns what was. */
  note(socket: Duplex, response: ServerResponse): ServerResponse | undefined {
    const former = this.latest.get(socket);
    this.latest.set(socket, response);
    response.once('close', () => {
      if (this.latest.get(socket) === response) this.latest.delete(socket);
    });
    return former;
  }

  of(socket: Duplex): ServerResponse | undefined {
    return this.latest.get(socket);
  }
}

/** When that answer is over; at once if there is none. */
export function behind(former: ServerResponse | undefined, start: () => void): void {
  if (former === undefined) start();
  else former.once('close', start);
}
