import manifest from '../package.json' with { type: 'json' };
import { parseCommandLine } from './cli.ts';
import { dev } from './dev/dev.ts';
import { keys } from './keys/keys-command.ts';
import { createOutput } from './log/output.ts';
import type { ProgramContext } from './program-context.ts';
import { serve } from './serve.ts';
import { createStopRequest } from './stop-request.ts';
import { stopWithNpm } from './stop-with-npm.ts';
import { StartError, UsageError } from './usage-error.ts';
import { runWorker } from './workers/run-worker.ts';
import { workerVariable } from './workers/worker-job.ts';

/** The version of this program. */
export const version: string = manifest.version;

/**
 * Runs the program as the shell does. Resolves with the exit code: 0 after a graceful stop, 1 when it could not start
 * or broke, 2 when the command line or the configuration is wrong.
 */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<number> {
  if (process.env[workerVariable] !== undefined && process.send !== undefined) {
    return runWorker(createOutput((text) => void process.stdout.write(text), setImmediate));
  }
  const stop = createStopRequest(process, () => process.exit(1));
  // The reader of our output is gone (`postern dev | head`): nobody is left to talk to.
  process.stdout.on('error', () => stop.stop('output closed'));
  const leaveNpm = stopWithNpm(stop, process.env);
  const output = createOutput((text) => void process.stdout.write(text), setImmediate);
  const context: ProgramContext = {
    version,
    environment: process.env,
    stop,
    write: output.write,
    isTerminal: process.stdout.isTTY === true,
    isColored: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  };
  try {
    const invocation = parseCommandLine(argv, context);
    if (!invocation) return 0;
    if (invocation.command === 'keys') await keys(invocation, context);
    else await (invocation.command === 'dev' ? dev(invocation, context) : serve(invocation, context));
    return 0;
  } catch (error) {
    output.flush();
    process.stderr.write(`postern: ${describe(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    output.flush();
    leaveNpm();
    stop.dispose();
  }
}

function describe(error: unknown): string {
  if (error instanceof UsageError || error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
