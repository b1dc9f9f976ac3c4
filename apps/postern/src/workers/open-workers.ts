import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Coordinator,
  createCoordinator,
  createNodeClock,
  ListenError,
  type ListenOn,
  listen,
} from '@postern/gateway';
import { formatAddress } from '../config/listen-address.ts';
import type { EventLog } from '../log/event-log.ts';
import type { OpenGateway, OpenGatewayOptions } from '../open-gateway.ts';
import { StartError, UsageError } from '../usage-error.ts';
import { createWholeLines } from './whole-lines.ts';
import { type MessageFromWorker, type MessageToWorker, type WorkerJob, workerVariable } from './worker-job.ts';
import { createWorkerProcesses, type WorkerProcess } from './worker-processes.ts';

export interface OpenWorkersOptions extends Omit<OpenGatewayOptions, 'log' | 'worker'> {
  readonly count: number;
  readonly isColored: boolean;
  readonly log: EventLog;
}

/**
 * Opens the ports in several processes: this one accepts connections and hands them round, and owns the budget of server
 * connections; it has none itself. Throws StartError or UsageError.
 */
export async function openWorkers(options: OpenWorkersOptions): Promise<OpenGateway> {
  const { count, endpoints, tls, keyEntries = [], isColored, log } = options;
  if (!cluster.isPrimary) {
    throw new UsageError('workers: this process is itself a worker of node:cluster; set workers to 1');
  }
  const [http, tcp] = await freePorts(options.config.http, options.config.tcp);
  const config = { ...options.config, http, tcp };
  const folder = mkdtempSync(join(socketFolder(), 'postern-'));
  let job: Omit<WorkerJob, 'number'> = {
    count,
    identityKey: randomBytes(32).toString('hex'),
    ...{ config, endpoints, tls, keyEntries, folder, isColored },
  };
  const coordinator = createCoordinator({
    clock: createNodeClock(),
    maxServerConnections: config.maxServerConnections,
  });
  // Handing connections round instead of letting the kernel pick: callers stay for long, and an uneven share stays uneven.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ args: [], serialization: 'json', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const workers = createWorkerProcesses({
    count,
    fork: (number) => fork({ ...job, number }, coordinator, log.print),
    log: log.log,
    after(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds);
      return { cancel: () => clearTimeout(timer) };
    },
    now: () => performance.now(),
  });
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await workers.start();
  } catch (error) {
    removeFolder();
    throw error;
  }
  const address = { http: formatAddress(http), tcp: formatAddress(tcp) };
  return {
    ...address,
    listening: { http: `${tls ? 'https' : 'http'}://${address.http}`, tcp: `postgres://${address.tcp}` },
    setCertificate(renewed) {
      // Those to come begin with it.
      job = { ...job, tls: renewed };
      for (const worker of Object.values(cluster.workers ?? {})) {
        if (worker !== undefined) sendTo(worker, { kind: 'certificate', tls: renewed });
      }
    },
    async close(graceMs) {
      await workers.stop(graceMs);
      removeFolder();
    },
  };
}

function fork(job: WorkerJob, coordinator: Coordinator, print: (text: string) => void): WorkerProcess {
  const worker: Worker = cluster.fork({ [workerVariable]: String(job.number) });
  const send = (message: MessageToWorker): void => sendTo(worker, message);
  const line = coordinator.joined(job.number, send);
  const lines = createWholeLines(print);
  worker.process.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    const over = (code: number | null, signal: string | null): void => {
      line.left();
      resolve({ code, signal });
    };
    worker.on('exit', over);
    // It could not be started at all.
    worker.on('error', () => over(null, null));
    worker.process.on('close', () => lines.end());
  });
  const started = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: MessageFromWorker) => {
      if (message.kind === 'ready') send({ kind: 'start', job });
      else if (message.kind === 'started') resolve();
      else if (message.kind === 'failed') {
        reject(message.isUsage ? new UsageError(message.message) : new StartError(message.message));
      } else line.receive(message);
    });
    void exited.then(({ code, signal }) => {
      reject(new StartError(`worker ${job.number} ended while it started (${signal ?? `status ${code}`})`));
    });
  });
  return {
    pid: worker.process.pid,
    started,
    exited,
    stop: (graceMs) => send({ kind: 'stop', graceMs }),
    kill: () => void worker.process.kill('SIGKILL'),
  };
}

/** One that is about to die may not take it any more; its end is noticed elsewhere. */
function sendTo(worker: Worker, message: MessageToWorker): void {
  if (worker.isConnected()) worker.process.send(message, undefined, undefined, () => {});
}

/**
 * The addresses with real ports. Opened and closed again: an address that cannot be had is known before any worker is there,
 * and all workers, later ones too, ask for the same ports.
 */
async function freePorts(http: ListenOn, tcp: ListenOn): Promise<[ListenOn, ListenOn]> {
  const servers = [createServer(), createServer()] as const;
  try {
    return [await listen(servers[0], 'http', http), await listen(servers[1], 'tcp', tcp)];
  } catch (error) {
    throw error instanceof ListenError ? new StartError(error.message) : error;
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
  }
}

/** The path of a Unix socket may have some hundred characters only. */
function socketFolder(): string {
  const folder = tmpdir();
  return process.platform !== 'win32' && folder.length > 60 ? '/tmp' : folder;
}
