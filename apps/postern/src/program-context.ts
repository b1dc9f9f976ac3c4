import type { StopRequest } from './stop-request.ts';

/** What the program has from its surroundings. */
export interface ProgramContext {
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stop: StopRequest;
  readonly isColored: boolean;
  write(text: string): void;
}
