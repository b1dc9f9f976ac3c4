/** Waits for the wish to stop, from a signal or from the program itself. */
export interface StopRequest {
  /** Resolves once, with the reason. */
  readonly requested: Promise<string>;
  stop(reason: string): void;
  /** From now on SIGHUP is a wish to read the configuration again, as it is to other servers. */
  onHangUp(listener: () => void): void;
  /** Stops listening to signals. */
  dispose(): void;
}

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Listens to SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal is closed). The second one does not wait any longer: `onImpatience` ends the program at once.
 */
export function createStopRequest(signals: NodeJS.EventEmitter, onImpatience: () => void): StopRequest {
  let resolve: (reason: string) => void;
  let isRequested = false;
  const requested = new Promise<string>((settle) => {
    resolve = settle;
  });
  const stop = (reason: string): void => {
    isRequested = true;
    resolve(reason);
  };
  let hangUp: (() => void) | undefined;
  const onSignal = (signal: string): void => {
    if (signal === 'SIGHUP' && hangUp !== undefined) {
      hangUp();
      return;
    }
    if (isRequested) onImpatience();
    else stop(signal);
  };
  for (const signal of stopSignals) signals.on(signal, onSignal);
  return {
    requested,
    stop,
    onHangUp(listener) {
      hangUp = listener;
    },
    dispose() {
      for (const signal of stopSignals) signals.off(signal, onSignal);
    },
  };
}
