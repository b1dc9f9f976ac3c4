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
type Registered = Listener & { listener?: Listener };

/** `Events`: names of events to lists of what their listeners get. */
export class Emitter<Events = object> {
  readonly #registered = new Map<EventName, readonly Registered[]>();

  on<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    // Always a new list: an event that is under way goes on with the old one.
    this.#registered.set(event, [...this.#list(event), listener as Listener]);
    return this;
  }

  addListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    return this.on(event, listener);
  }

  prependListener<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    this.#registered.set(event, [listener as Listener, ...this.#list(event)]);
    return this;
  }

  once<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    const call: Registered = (...about) => {
      this.off(event, call as never);
      (listener as Listener).apply(this, about);
    };
    call.listener = listener as Listener;
    return this.on(event, call as never); // it takes whatever the listener does
  }

  off<Name extends EventName>(event: Name, listener: ListenerOf<Events, Name>): this {
    const list = this.#list(event);
    const last = list.findLastIndex((call) => call === listener || call.listener === listener);
    this.#registered.set(
      event,
      list.filter((_, index) => index !== last),
    );
    return this;
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
    const list = this.#list(event);
    for (const call of list) call.apply(this, about as never[]); // what the event has
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
