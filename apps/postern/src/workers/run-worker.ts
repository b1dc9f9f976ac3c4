import { createNodeClock, createWorkerSeat } from '@postern/gateway';
import { createEventLog } from '../log/event-log.ts';
import type { Output } from '../log/output.ts';
import { type OpenGateway, openGateway } from '../open-gateway.ts';
import { UsageError } from '../usage-error.ts';
import type { MessageFromWorker, MessageToWorker, WorkerJob } from './worker-job.ts';

/** A worker's life: waits for its job, serves until it is told to stop. Resolves with the exit code. */
export async function runWorker(output: Output): Promise<number> {
  // Ctrl-C and the end of a terminal reach the whole group; the primary decides what follows from them.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  const stopped = new Promise<number>((resolve) => {
    // Whoever signals a single worker, or all processes of a service, means it.
    process.on('SIGTERM', () => resolve(-1));
    process.on('message', (message: MessageToWorker) => {
      if (message.kind === 'stop') resolve(message.graceMs);
    });
  });
  const job = await new Promise<WorkerJob>((resolve) => {
    process.on('message', (message: MessageToWorker) => {
      if (message.kind === 'start') resolve(message.job);
    });
    send({ kind: 'ready' });
  });
  const { config, number, folder } = job;
  const eventLog = createEventLog({
    format: config.logFormat,
    write: output.write,
    isColored: job.isColored,
    now: () => new Date(),
  });
  eventLog.open();
  const seat = createWorkerSeat({
    number,
    count: job.count,
    identityKey: Buffer.from(job.identityKey, 'hex'),
    clock: createNodeClock(),
    send,
  });
  let gateway: OpenGateway | undefined;
  process.on('message', (message: MessageToWorker) => {
    if (message.kind === 'certificate') gateway?.setCertificate(message.tls);
    else if (message.kind !== 'start' && message.kind !== 'stop') seat.receive(message);
  });
  try {
    gateway = await openGateway({
      ...{ config, endpoints: job.endpoints, tls: job.tls, keyEntries: job.keyEntries },
      worker: { seat, folder },
      log: ({ event, ...details }) => eventLog.log({ event, worker: number, ...details }),
    });
    send({ kind: 'started' });
    const graceMs = await stopped;
    await gateway.close(graceMs < 0 ? config.shutdownGrace : graceMs);
    return 0;
  } catch (error) {
    await sendLast({ kind: 'failed', message: (error as Error).message, isUsage: error instanceof UsageError });
    return 1;
  } finally {
    output.flush();
  }
}

/** A primary that is gone ends this process; there is nobody to tell about a message that did not arrive. */
function send(message: MessageFromWorker): void {
  process.send?.(message, undefined, undefined, () => {});
}

function sendLast(message: MessageFromWorker): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
