// Linux' /proc as data (proc(5)). Times are clock ticks: 1/100 s on every Linux that Node runs on.

export const ticksPerSecond = 100;

/** What all processors did since boot, in ticks. */
export interface MachineTicks {
  /** In processes: user, nice, system. Interrupts are left out, nobody can say whose they were. */
  readonly busy: number;
  /** Taken by the host for other machines. */
  readonly stolen: number;
}

/** One process, with the children it has waited for. */
export interface ProcessTicks {
  readonly pid: number;
  readonly parentPid: number;
  readonly own: number;
  readonly reapedChildren: number;
}

/** The first line of /proc/stat. */
export function parseMachineTicks(text: string): MachineTicks {
  const match = /^cpu +(.+)$/m.exec(text);
  if (!match) throw new Error('/proc/stat has no line for all processors');
  const fields = match[1]!.trim().split(/ +/).map(Number);
  const [user = 0, nice = 0, system = 0] = fields;
  return { busy: user + nice + system, stolen: fields[7] ?? 0 };
}

/** /proc/PID/stat. The program's name may itself contain spaces and parentheses. */
export function parseProcessTicks(text: string): ProcessTicks {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  if (end < 0 || fields.length < 15) throw new Error('unexpected format of /proc/PID/stat');
  const field = (numberInManual: number): number => Number(fields[numberInManual - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parentPid: field(4),
    own: field(14) + field(15),
    reapedChildren: field(16) + field(17),
  };
}

/** `roots` and everything below them. */
export function selectTree(processes: readonly ProcessTicks[], roots: readonly number[]): ProcessTicks[] {
  const children = new Map<number, ProcessTicks[]>();
  for (const process of processes) {
    const siblings = children.get(process.parentPid);
    if (siblings) siblings.push(process);
    else children.set(process.parentPid, [process]);
  }
  const selected = new Map<number, ProcessTicks>();
  const visit = (process: ProcessTicks): void => {
    if (selected.has(process.pid)) return;
    selected.set(process.pid, process);
    for (const child of children.get(process.pid) ?? []) visit(child);
  };
  for (const process of processes) if (roots.includes(process.pid)) visit(process);
  return [...selected.values()];
}

/** Ticks of a tree so far. What a process used stays counted after its parent has waited for it. */
export function sumTicks(processes: readonly ProcessTicks[]): number {
  return processes.reduce((sum, { own, reapedChildren }) => sum + own + reapedChildren, 0);
}

/** `VmRSS` and friends of /proc/PID/status, in bytes. */
export function parseStatusBytes(text: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text);
  if (!match) throw new Error(`/proc/PID/status has no ${field}`);
  return Number(match[1]) * 1024;
}
