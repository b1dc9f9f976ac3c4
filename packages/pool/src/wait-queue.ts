/** Who waits for a server connection: first in, first out, with a cap per group of callers (connection_limit). */
import type { Label } from './label.ts';
import type { ServerConnection } from './server-connection.ts';
import type { TextFacts } from './text-facts.ts';

/** Callers that share one connection_limit. */
export interface LimitGroup {
  /** Where several processes share it: what of it is ours (group-permits.ts). */
  limit: number;
  /** Server connections lent to them. */
  lent: number;
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
  /** Set by the pool. */
  waitingSince: number;
  granted(server: ServerConnection): void;
  /** What is known of what it wants to send, if that may run between others' segments on one connection. */
  shareableText(): TextFacts | undefined;
  /** Granted, but together with others: one segment only, expected to take so many milliseconds. */
  ride(server: ServerConnection, expectedMs: number): void;
  /** No connection: an error to show. `isFinal`: the session cannot go on (credentials refused). */
  refused(error: unknown, isFinal: boolean): void;
}

export class WaitQueue {
  private waiters: (Waiter | undefined)[] = [];
  private head = 0;
  private readonly places = new Map<Waiter, number>();

  get length(): number {
    return this.places.size;
  }

  push(waiter: Waiter): void {
    this.places.set(waiter, this.waiters.length);
    this.waiters.push(waiter);
  }

  remove(waiter: Waiter): boolean {
    const place = this.places.get(waiter);
    if (place === undefined) return false;
    this.places.delete(waiter);
    this.waiters[place] = undefined;
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

  [Symbol.iterator](): IterableIterator<Waiter> {
    return [...this.places.keys()].values();
  }

  private trim(): void {
    while (this.head < this.waiters.length && this.waiters[this.head] === undefined) this.head++;
    if (this.head === this.waiters.length) {
      this.waiters = [];
      this.head = 0;
    } else if (this.head > 1024 && this.head > this.waiters.length / 2) {
      this.waiters = this.waiters.slice(this.head);
      for (let i = 0; i < this.waiters.length; i++) {
        const waiter = this.waiters[i];
        if (waiter !== undefined) this.places.set(waiter, i);
      }
      this.head = 0;
    }
  }
}
