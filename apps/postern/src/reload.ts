import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config/config-schema.ts';
import type { TlsFiles } from './config/read-tls.ts';
import type { Event } from './log/event.ts';
import type { OpenGateway } from './open-gateway.ts';

/** What the program runs with; replaced by a reload. */
export interface Settings {
  readonly config: Config;
  readonly tls: TlsFiles | undefined;
}

export interface ReloadOptions {
  readonly gateway: Pick<OpenGateway, 'setCertificate'>;
  readonly current: Settings;
  /** Reads everything again. Throws what is wrong with it. */
  read(): Settings;
  log(event: Event): void;
}

/**
 * SIGHUP: reads the configuration again. A certificate and the time to stop change at once; what else is different is named and
 * waits for a restart, as sessions live by it. API keys need no signal: their file is looked at by itself. What is wrong is
 * refused as a whole.
 */
export function reload({ gateway, current, read, log }: ReloadOptions): Settings {
  let next: Settings;
  const changed: string[] = [];
  try {
    next = read();
    const { tls } = next;
    if (tls !== undefined && current.tls !== undefined && !isDeepStrictEqual(tls, current.tls)) {
      gateway.setCertificate(tls);
      changed.push('tls');
    }
  } catch (error) {
    log({ event: 'reload_refused', error: (error as Error).message });
    return current;
  }
  const needRestart = changedKeys(current.config, next.config).filter(
    (key) => key !== 'shutdownGrace' && key !== 'tls',
  );
  if ((next.tls === undefined) !== (current.tls === undefined)) needRestart.push('tls');
  if (next.config.shutdownGrace !== current.config.shutdownGrace) changed.push('shutdownGrace');
  log({ event: 'reloaded', changed, ...(needRestart.length === 0 ? {} : { needRestart }) });
  return {
    config: { ...current.config, shutdownGrace: next.config.shutdownGrace },
    tls: current.tls === undefined ? undefined : (next.tls ?? current.tls),
  };
}

function changedKeys(before: Config, after: Config): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Config>;
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key])).sort();
}
