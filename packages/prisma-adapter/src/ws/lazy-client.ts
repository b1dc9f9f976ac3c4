import { Client, type Submittable } from '@postern/serverless';

/**
 * A client that connects when there is something to send: the first statement travels with the log-in, and is told when that
 * fails. A pool lends it without waiting.
 */
export class LazyClient extends Client {
  #state: 'new' | 'connecting' | 'connected' | 'failed' = 'new';

  override connect(): Promise<this>;
  override connect(callback: (error?: Error | null) => void): void;
  override connect(callback?: (error?: Error | null) => void): Promise<this> | undefined {
    if (callback === undefined) return Promise.resolve(this);
    queueMicrotask(() => callback(null));
    return undefined;
  }

  override submit(query: Submittable, isExclusive: boolean): void {
    super.submit(query, isExclusive);
    if (this.#state !== 'new') return;
    this.#state = 'connecting';
    super.connect().then(
      () => {
        this.#state = 'connected';
      },
      () => {
        this.#state = 'failed'; // the statement has the error
      },
    );
  }

  override get isUsable(): boolean {
    // The first result may be there before the log-in has been noticed.
    return this.#state === 'connected' ? super.isUsable : this.#state !== 'failed';
  }

  override async isAlive(): Promise<boolean> {
    return this.#state === 'connected' ? super.isAlive() : this.isUsable;
  }
}
