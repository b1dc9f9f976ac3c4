/** Who waits for a server connection: first in, first out, with a cap per group of callers (connection_limit). */
import type { Label } from './label.ts';
import type { ServerConnection } from './server-connection.ts';
import type { TextFacts } from './text-facts.ts';

/** Callers that share one connection_limit. */
export interface LimitGroup {
  /** The connection_limit itself. */
  readonly size: number;
  /** Where several processes share it: what of it is ours (group-permits.ts). */
  limit: number;
  /** Server connections lent to them. */
  lent: number;
  /** How many there are. */
  sessions: number;
}

/** Somebody who needs a server connection. */
export interface Waiter {
  readonly label: Label;
  readonly group: LimitGroup | undefined;
  /** Milliseconds; 0 = no limit. */
  readonly poolTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** The connection it used last, preferred because nothing needs to be reset there. */
  readonly lastServer: ServerConnection | undefined;
  /** Set by the pool, unless it waits on. */
  waitingSince: number;
  /** A ride came to nothing: it asks again, but has waited from the start. */
  readonly waitsOn: boolean;
  /** Where it stands in the queue, which sets it; -1: nowhere. */
  place: number;
  granted(server: ServerConnection): void;
  /** What is known of what it wants to send, if that may run between others' segments on one connection. */
  shareableText(): TextFacts | undefined;
  /** Granted, but together with others: one segment only, expected to take so many milliseconds. */
  ride(server: ServerConnection, expectedMs: number): void;
  /** No connection: an error to show. `isFinal`: the session cannot go on (credentials refused). */
  refused(error: unknown, isFinal: boolean): void;
}

export class WaitQueue {
  length = 0;
  private waiters: (Waiter | undefined)[] = [];
  private head = 0;

  /** Behind all who have waited for as long. */
  push(waiter: Waiter): void {
    const { waiters } = this;
    let at = waiters.length;
    while (at > this.head && waiters[at - 1] === undefined) at--;
    waiters.length = at;
    while (at > this.head && (waiters[at - 1]?.waitingSince ?? Infinity) > waiter.waitingSince) at--;
    waiter.place = at;
    if (at === waiters.length) waiters.push(waiter);
    else {
      waiters.splice(at, 0, waiter);
      this.renumber();
    }
    this.length++;
  }

  remove(waiter: Waiter): boolean {
    if (waiter.place < 0) return false;
    this.waiters[waiter.place] = undefined;
    waiter.place = -1;
    this.length--;
    this.trim();
    return true;
  }

  get first(): Waiter | undefined {
    return this.waiters[this.head];
  }

  /** Takes the first whose group may still borrow. */
  shift(): Waiter | undefined {
    for (let i = this.head; i < this.waiters.length; i++) {
      const waiter = this.waiters[i];
      if (waiter === undefined || (waiter.group !== undefined && waiter.group.lent >= waiter.group.limit)) continue;
      this.remove(waiter);
      return waiter;
    }
    return undefined;
  }

  /** Those who wait now, whatever happens to them meanwhile. */
  [Symbol.iterator](): IterableIterator<Waiter> {
    return this.waiters.filter((waiter) => waiter !== undefined).values();
  }

  private trim(): void {
    const { waiters } = this;
    while (this.head < waiters.length && waiters[this.head] === undefined) this.head++;
    if (this.head === waiters.length) {
      waiters.length = 0;
      this.head = 0;
    } else if (this.head > 1024 && this.head > waiters.length / 2) {
      waiters.splice(0, this.head);
      this.renumber();
      this.head = 0;
    }
  }

  private renumber(): void {
    this.waiters.forEach((waiter, place) => {
      if (waiter !== undefined) waiter.place = place;
    });
  }
}
