import type { EndpointConfig, KeyEntry, ToPrimary, ToWorker } from '@postern/gateway';
import type { Config } from '../config/config-schema.ts';
import type { TlsFiles } from '../config/read-tls.ts';

/** Everything a worker is to do, as plain data. There are passwords in it: it goes over the channel, never the environment. */
export interface WorkerJob {
  /** 1 to `count`. */
  readonly number: number;
  readonly count: number;
  /** In hexadecimal; the same for all workers, random at each start of the program. */
  readonly identityKey: string;
  /** With the real ports. */
  readonly config: Config;
  readonly endpoints: readonly EndpointConfig[];
  readonly tls: TlsFiles | undefined;
  readonly keyEntries: readonly KeyEntry[];
  /** Where workers reach each other. */
  readonly folder: string;
  readonly isColored: boolean;
}

/** To a worker: the program's own words, and those of its gateway. */
export type MessageToWorker =
  | { readonly kind: 'start'; readonly job: WorkerJob }
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'certificate'; readonly tls: TlsFiles }
  | ToWorker;

/** From a worker. */
export type MessageFromWorker =
  /** It listens to what it is told: nothing was kept for it before. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly message: string; readonly isUsage: boolean }
  | ToPrimary;

/** The variable by which the program knows that it is a worker. */
export const workerVariable = 'POSTERN_WORKER_NUMBER';
