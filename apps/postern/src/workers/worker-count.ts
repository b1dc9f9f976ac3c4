import type { Config } from '../config/config-schema.ts';

/**
 * How many processes: what is configured, or one per core when there are more than two: on fewer, Postgres and one of us
 * have enough to do. Never more than the server connections they would share, when nobody asked for it.
 */
export function workerCount(config: Pick<Config, 'workers' | 'poolSize' | 'endpoints'>, cores: number): number {
  if (config.workers !== undefined) return config.workers;
  if (cores <= 2) return 1;
  const sizes = [config.poolSize, ...Object.values(config.endpoints ?? {}).map(({ poolSize }) => poolSize)];
  return Math.min(cores, maxDefault, ...sizes.filter((size) => size !== undefined));
}

/** Beyond it the kernel and Postgres are what is busy; whoever knows better says so. */
const maxDefault = 16;
