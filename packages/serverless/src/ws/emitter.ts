/** Node's EventEmitter as far as node-postgres' users know it, except that an `error` nobody listens to is not thrown. */

// biome-ignore lint/suspicious/noExplicitAny: listeners take what the event has
export type Listener = (...args: any[]) => void;

/** What `once` adds; `listener` is what it was given. */
type Registered = Listener & { listener?: Listener };
type EventName = string | symbol;

export class Emitter {
  readonly #registered = new Map<EventName, readonly Registered[]>();

  on(event: EventName, listener: Listener): this {
    // Always a new list: an event that is under way goes on with the old one.
    this.#registered.set(event, [...this.#list(event), listener]);
    return this;
  }

  addListener(event: EventName, listener: Listener): this {
    return this.on(event, listener);
  }

  prependListener(event: EventName, listener: Listener): this {
    this.#registered.set(event, [listener, ...this.#list(event)]);
    return this;
  }

  once(event: EventName, listener: Listener): this {
    const call: Registered = (...args) => {
      this.off(event, call);
      listener.apply(this, args);
    };
    call.listener = listener;
    return this.on(event, call);
  }

  off(event: EventName, listener: Listener): this {
    const list = this.#list(event);
    const last = list.findLastIndex((call) => call === listener || call.listener === listener);
    this.#registered.set(
      event,
      list.filter((_, index) => index !== last),
    );
    return this;
  }

  removeListener(event: EventName, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: EventName): this {
    if (event === undefined) this.#registered.clear();
    else this.#registered.delete(event);
    return this;
  }

  emit(event: EventName, ...args: unknown[]): boolean {
    const list = this.#list(event);
    for (const call of list) call.apply(this, args);
    return list.length > 0;
  }

  listeners(event: EventName): Listener[] {
    return this.#list(event).map((call) => call.listener ?? call);
  }

  listenerCount(event: EventName): number {
    return this.#list(event).length;
  }

  #list(event: EventName): readonly Registered[] {
    return this.#registered.get(event) ?? [];
  }
}
