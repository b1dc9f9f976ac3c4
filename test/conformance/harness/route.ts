/** The ways from a caller to Postgres that are compared with one another. */
import type { ByteConnection } from './byte-connection.ts';

export type RouteKind = 'direct-postgres' | 'tcp-pooled' | 'tcp-pooled-moving' | 'tcp-direct' | 'ws-pooled-cut';

/** A way to one database, made for one run of one script. */
export interface Route {
  readonly kind: RouteKind;
  /** What a caller adds to its start-up packet to be served this way. */
  readonly loginParameters?: Readonly<Record<string, string>>;
  /** Opens a connection on which a start-up packet may be sent. */
  connect(): Promise<ByteConnection>;
  /** What went wrong inside, if the route can tell (protocol faults counted by the engine); empty when all was well. */
  faults(): string[];
  close(): Promise<void>;
}

/** What a route is made for. */
export interface RouteOptions {
  readonly database: string;
  /** Server connections the pool may open for unpinned work. */
  readonly serverConnections: number;
  /** Seed for where frames are cut. */
  readonly seed: number;
}

export type OpenRoute = (options: RouteOptions) => Promise<Route>;
