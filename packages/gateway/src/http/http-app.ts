// A Hono app as the routes know it: with what fetch's Request does not tell of its caller.

import type { Hono } from 'hono';
import type { SqlHttpRequest } from './sql-handler.ts';

/** Where a request comes from. */
export type HttpCallerPlace = Pick<SqlHttpRequest, 'remoteAddress' | 'security'>;

export interface HttpBindings {
  /** From the server that runs the app, if it knows. */
  readonly caller?: HttpCallerPlace;
}

export type HttpApp = Hono<{ Bindings: HttpBindings }>;
