/** Node's EventEmitter as far as node-postgres' users know it, except that an `error` nobody listens to is not thrown. */

// biome-ignore lint/suspicious/noExplicitAny: listeners take what the event has
export type Listener = (...args: any[]) => void;

interface Registration {
  readonly listener: Listener;
  readonly call: Listener;
}

export class Emitter {
  readonly #registrations = new Map<string | symbol, Registration[]>();

  on(event: string | symbol, listener: Listener): this {
    return this.#add(event, { listener, call: listener });
  }

  addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  prependListener(event: string | symbol, listener: Listener): this {
    return this.#add(event, { listener, call: listener }, true);
  }

  once(event: string | symbol, listener: Listener): this {
    const call: Listener = (...args) => {
      this.off(event, listener);
      listener.apply(this, args);
    };
    return this.#add(event, { listener, call });
  }

  off(event: string | symbol, listener: Listener): this {
    const list = this.#list(event);
    const index = list.findLastIndex((registration) => registration.listener === listener);
    // A copy: it may be an event that removes its own listener.
    if (index >= 0) this.#registrations.set(event, list.toSpliced(index, 1));
    return this;
  }

  removeListener(event: string | symbol, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string | symbol): this {
    if (event === undefined) this.#registrations.clear();
    else this.#registrations.delete(event);
    return this;
  }

  emit(event: string | symbol, ...args: unknown[]): boolean {
    const list = this.#list(event);
    for (const { call } of list) call.apply(this, args);
    return list.length > 0;
  }

  listeners(event: string | symbol): Listener[] {
    return this.#list(event).map(({ listener }) => listener);
  }

  listenerCount(event: string | symbol): number {
    return this.#list(event).length;
  }

  #list(event: string | symbol): Registration[] {
    return this.#registrations.get(event) ?? [];
  }

  #add(event: string | symbol, registration: Registration, first = false): this {
    const list = this.#list(event);
    this.#registrations.set(event, first ? [registration, ...list] : [...list, registration]);
    return this;
  }
}
