import type { EventLog } from './log/event-log.ts';
import { type OpenGateway, type OpenGatewayOptions, openGateway } from './open-gateway.ts';
import { openWorkers } from './workers/open-workers.ts';

export interface OpenGateOptions extends Omit<OpenGatewayOptions, 'log' | 'worker'> {
  readonly workers: number;
  readonly isColored: boolean;
  readonly log: EventLog;
}

/** Opens the ports, in this process or in several. Throws StartError or UsageError. */
export function openGate(options: OpenGateOptions): Promise<OpenGateway> {
  const { workers, log, ...rest } = options;
  return workers === 1 ? openGateway({ ...rest, log: log.log }) : openWorkers({ ...rest, log, count: workers });
}
