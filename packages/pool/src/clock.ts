/** A running timer. */
export interface Timer {
  cancel(): void;
}

/** Time as the engine sees it; injected, so that tests decide when it passes. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  after(milliseconds: number, callback: () => void): Timer;
}
