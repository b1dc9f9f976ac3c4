import type { StopRequest } from './stop-request.ts';

/** What the program has from its surroundings. */
export interface ProgramContext {
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stop: StopRequest;
  readonly isColored: boolean;
  /** Somebody sits in front of it. */
  readonly isTerminal: boolean;
  write(text: string): void;
}
