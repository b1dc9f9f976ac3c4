/** A script: raw protocol messages whose answers by Postgres are the specification. */
import type { Caller, LoginOptions } from './caller.ts';

export interface OpenOptions extends LoginOptions {
  /** Compare the log-in messages too. Off by default, so that one difference there does not fail every script. */
  readonly traceLogin?: boolean;
}

/** What a script has to work with. Everything it does through here is recorded. */
export interface Stage {
  /** Opens a session and logs in. */
  open(name: string, options?: OpenOptions): Promise<Caller>;
  /** Opens a connection without sending anything: for start-up packets made by hand. */
  connect(name: string): Promise<Caller>;
  /** One row of SQL asked directly of Postgres, past the gateway; recorded as the observer's answer. */
  observe(sql: string): Promise<string>;
  /** Asks until Postgres answers `expected` or time is up; records the last answer. For effects that need a moment. */
  observeUntil(sql: string, expected: string): Promise<void>;
  /**
   * Waits until a session's statement (known by a text inside it) is running in Postgres and waits for `waitEvent`,
   * if one is given. Records nothing.
   */
  untilRunning(sqlFragment: string, waitEvent?: string): Promise<void>;
}

export interface Script {
  /** Also the name of its file in `accepted/`. */
  readonly name: string;
  /** Section of the pooling specification it covers. */
  readonly section: string;
  /** SQL run on the fresh database first. */
  readonly setup?: string;
  /** How many server connections its sessions need at the same time. Default 1. */
  readonly serverConnections?: number;
  /** Acts of the neighbour that any other session, pooled or not, would disturb this script by. */
  readonly withoutActs?: readonly string[];
  /** What it shows is only seen on the connection it began on, which another beginning of the neighbour may take from it. */
  readonly isAboutOneConnection?: boolean;
  run(stage: Stage): Promise<void>;
}
