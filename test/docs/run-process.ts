import { spawn } from 'node:child_process';

export interface ProcessOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Once its output matches, it is used and then asked to stop. */
  readonly until?: { readonly pattern: RegExp; use(output: string): Promise<void> };
}

/** Runs a program to its end, with everything it started. Returns what it printed; throws when it fails or takes too long. */
export async function runProcess({
  command: [program, ...args],
  cwd,
  environment,
  timeoutMs,
  until,
}: ProcessOptions): Promise<string> {
  const child = spawn(program, args, { cwd, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let isUsed = false;
  let failure: unknown;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // All of them have ended.
    }
  };
  const read = (text: string): void => {
    output += text;
    if (until === undefined || isUsed || !until.pattern.test(output)) return;
    isUsed = true;
    until.use(output).then(
      () => signal('SIGTERM'),
      (error: unknown) => {
        failure = error;
        signal('SIGTERM');
      },
    );
  };
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', read);
  const timer = setTimeout(() => {
    failure = new Error(`it took longer than ${timeoutMs / 1000} s`);
    signal('SIGKILL');
  }, timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (failure !== undefined) throw failure;
    if (until !== undefined && !isUsed) throw new Error('it ended before it was open');
    if (until === undefined && code !== 0) throw new Error(`it ended with status ${code}`);
    return output;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output.trimEnd()}`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal('SIGKILL');
  }
}
