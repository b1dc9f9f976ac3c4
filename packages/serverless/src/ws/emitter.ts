/** Node's EventEmitter as far as node-postgres' users know it, except that an `error` nobody listens to is not thrown. */

export type EventName = string | symbol;

/** What an event of this name calls: `Events` says with what. Of other events nothing is known. */
export type ListenerOf<Events, Name> = Name extends keyof Events
  ? Events[Name] extends readonly unknown[]
    ? (...about: Events[Name]) => void
    : never
  : Listener;

/** Any. */
export type Listener = (...about: never[]) => void;

/** What `once` adds; `listener` is what it was given. */
export type Registered = Listener & { listener?: Listener };

/** `Events`: names of events to lists of what their listeners get. */
export class Emitter<Events = object> {
  readonly #registered = new Map<EventName, Registered[]>();

  on<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.#set(event, [...this.rawListeners(event), listener as Listener]);
  }

  addListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.on(event, listener);
  }

  prependListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.#set(event, [listener as Listener, ...this.rawListeners(event)]);
  }

  once<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.on(event, this.#once(event, listener as Listener) as never); // it takes whatever the listener does
  }

  prependOnceListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.prependListener(event, this.#once(event, listener as Listener) as never);
  }

  off<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    const list = this.rawListeners(event);
    const last = list.findLastIndex((call) => call === listener || call.listener === listener);
    return this.#set(
      event,
      list.filter((_, index) => index !== last),
    );
  }

  removeListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: EventName): this {
    if (event === undefined) this.#registered.clear();
    else this.#registered.delete(event);
    return this;
  }

  emit(event: EventName, ...about: unknown[]): boolean {
    const list = this.rawListeners(event);
    for (const call of list) call.apply(this, about as never[]); // what the event has
    return list.length > 0;
  }

  listeners(event: EventName): Listener[] {
    return this.rawListeners(event).map((call) => call.listener ?? call);
  }

  /** With what `once` made of them. */
  rawListeners(event: EventName): Registered[] {
    return this.#registered.get(event) ?? [];
  }

  listenerCount(event: EventName): number {
    return this.rawListeners(event).length;
  }

  eventNames(): EventName[] {
    return [...this.#registered.keys()].filter((event) => this.listenerCount(event));
  }

  /** Nothing warns of many listeners. */
  setMaxListeners(_count: number): this {
    return this;
  }

  getMaxListeners(): number {
    return Infinity;
  }

  #once(event: EventName, listener: Listener): Registered {
    const call: Registered = (...about) => {
      this.off(event, call as never);
      listener.apply(this, about);
    };
    call.listener = listener;
    return call;
  }

  /** Always a new list: an event that is under way goes on with the old one. */
  #set(event: EventName, list: Registered[]): this {
    this.#registered.set(event, list);
    return this;
  }
}
