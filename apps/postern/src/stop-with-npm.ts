import type { StopRequest } from './stop-request.ts';

const lookEveryMs = 500;

/**
 * npm (`npx`, `npm run`) starts programs in a shell that a signal ends without reaching us: whoever sends SIGTERM to npm would
 * leave a gateway behind that nobody sees and that keeps its ports. So we stop when our parent is gone; its end is not told,
 * hence the looking. Returns the end of it. Does nothing when npm has not started us.
 */
export function stopWithNpm(
  stop: StopRequest,
  environment: NodeJS.ProcessEnv,
  parentPid: () => number = () => process.ppid,
): () => void {
  if (environment.npm_lifecycle_event === undefined) return () => {};
  const parent = parentPid();
  const timer = setInterval(() => {
    if (parentPid() === parent) return;
    clearInterval(timer);
    stop.stop('npm ended');
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
