/** The routes: below the client's version and the hash of its schema. */
import { refusePlainKeys } from '../accelerate/refuse-plain-keys.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { ClientPath, DataProxyHandler } from './data-proxy-handler.ts';
import { requestErrorReply } from './error-reply.ts';

const base = '/:version{\\d+\\.\\d+\\.\\d+}/:hash{[0-9a-f]{64}}';

export function mountDataProxy(app: HttpApp, handler: DataProxyHandler, acceptsPlainKeys: boolean): void {
  if (!acceptsPlainKeys) refusePlainKeys(app, `${base}/*`, requestErrorReply);
  app.put(`${base}/schema`, ({ req }) => handler.putSchema(req.raw, pathOf(req.param())));
  app.post(`${base}/graphql`, ({ req }) => handler.query(req.raw, pathOf(req.param())));
  app.post(`${base}/transaction/start`, ({ req }) => handler.startTransaction(req.raw, pathOf(req.param())));
  app.post(`${base}/itx/:id/graphql`, ({ req }) => handler.queryWithin(req.raw, pathOf(req.param()), req.param('id')));
  app.post(`${base}/itx/:id/commit`, ({ req }) => handler.commit(req.raw, pathOf(req.param()), req.param('id')));
  app.post(`${base}/itx/:id/rollback`, ({ req }) => handler.rollback(req.raw, pathOf(req.param()), req.param('id')));
}

function pathOf({ version = '', hash = '' }: Readonly<Partial<Record<'version' | 'hash', string>>>): ClientPath {
  return { version, hash };
}
