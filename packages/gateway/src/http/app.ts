// The HTTP frontend as one Hono app: runs wherever fetch's Request and Response exist.

import { GatewayError } from '@postern/contract';
import { Hono } from 'hono';
import type { HttpApp, HttpBindings } from './http-app.ts';
import { jsonError } from './json-error.ts';
import { mountSql } from './mount-sql.ts';
import type { SqlHandler } from './sql-handler.ts';

export interface HttpAppOptions {
  readonly sql: SqlHandler;
  /** Adds further routes. */
  readonly mount?: (app: HttpApp) => void;
  /** What `GET /health` says; a rejection makes it 503. Default: nothing but "ok". */
  readonly health?: () => Promise<Readonly<Record<string, unknown>>>;
  /** An error nobody expected, with the request's path. */
  readonly onDefect?: (error: unknown, path: string) => void;
}

export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { sql, mount, health = async () => ({}), onDefect } = options;
  const app = new Hono<{ Bindings: HttpBindings }>();
  mountSql(app, sql);
  mount?.(app);
  app.get('/health', async () => {
    try {
      return Response.json({ status: 'ok', ...(await health()) }, { headers: noCache });
    } catch (error) {
      if (!(error instanceof GatewayError)) onDefect?.(error, '/health');
      return Response.json({ status: 'unavailable' }, { status: 503, headers: noCache });
    }
  });
  app.notFound(({ req }) => jsonError(unknownPath(req.method, req.path)));
  app.onError((error, { req }) => {
    onDefect?.(error, req.path);
    return jsonError(error);
  });
  return app;
}

const noCache = { 'cache-control': 'no-store' };

function unknownPath(method: string, path: string): GatewayError {
  return new GatewayError('unknown_path', `unknown path: ${method.slice(0, 20)} ${path.slice(0, 100)}`);
}
