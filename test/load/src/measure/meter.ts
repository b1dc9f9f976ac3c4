// Stands beside a measurement: how long it took, what the server used, and how much the machine did for others.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import {
  type MachineTicks,
  type ProcessTicks,
  parseMachineTicks,
  parseProcessTicks,
  parseStatusBytes,
  selectTree,
  sumTicks,
  ticksPerSecond,
} from './proc-files.ts';

/** One look at the counters. */
export interface Reading {
  readonly atMs: number;
  readonly machine: MachineTicks;
  /** Of this program with all its descendants. */
  readonly ours: number;
  /** Of the server that is measured. */
  readonly server: number;
}

/** What happened between two readings. */
export interface Usage {
  readonly seconds: number;
  readonly serverCpuMicros: number;
  /** Share of the machine (all cores, 0 to 1) that went to processes that are not ours, or to the host. */
  readonly foreignShare: number;
}

/** Called by a load around the part that counts. */
export interface Meter {
  begin(): void;
  end(): void;
}

export interface UsageMeter extends Meter {
  /** After `end()`. */
  usage(): Usage;
}

/** `serverPids`: the processes whose CPU time is asked for, with their children. */
export function createMeter(serverPids: readonly number[]): UsageMeter {
  let first: Reading | undefined;
  let last: Reading | undefined;
  return {
    begin() {
      first = read(serverPids);
    },
    end() {
      last = read(serverPids);
    },
    usage() {
      if (!first || !last) throw new Error('the load did not say when it began and ended');
      return usageBetween(first, last, availableParallelism());
    },
  };
}

/** The difference of two readings on a machine with `cores`. */
export function usageBetween(first: Reading, last: Reading, cores: number): Usage {
  const seconds = (last.atMs - first.atMs) / 1000;
  const busy = last.machine.busy - first.machine.busy - (last.ours - first.ours);
  const stolen = last.machine.stolen - first.machine.stolen;
  return {
    seconds,
    serverCpuMicros: ((last.server - first.server) / ticksPerSecond) * 1e6,
    // The counters are not read at the same instant, so an idle machine may come out slightly below zero.
    foreignShare: Math.max(0, busy + stolen) / (ticksPerSecond * seconds * cores),
  };
}

/** Resident memory of one process in bytes. */
export function residentBytes(pid: number): number {
  return parseStatusBytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
}

function read(serverPids: readonly number[]): Reading {
  const processes = allProcesses();
  return {
    atMs: performance.now(),
    machine: parseMachineTicks(readFileSync('/proc/stat', 'utf8')),
    ours: sumTicks(selectTree(processes, [process.pid])),
    server: sumTicks(selectTree(processes, serverPids)),
  };
}

function allProcesses(): ProcessTicks[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [parseProcessTicks(readFileSync(`/proc/${pid}/stat`, 'utf8'))];
      } catch {
        return []; // ended while we looked
      }
    });
}
