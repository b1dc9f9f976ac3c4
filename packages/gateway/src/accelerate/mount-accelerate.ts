/** The routes, at the root of the origin: Prisma's client drops the path of its URL. */
import type { HttpApp } from '../http/http-app.ts';
import { accelerateErrorReply } from './accelerate-error.ts';
import type { AccelerateHandler } from './accelerate-handler.ts';
import { refusePlainKeys } from './refuse-plain-keys.ts';

export function mountAccelerate(app: HttpApp, handler: AccelerateHandler, acceptsPlainKeys: boolean): void {
  if (!acceptsPlainKeys) {
    for (const path of ['/connection-info', '/query', '/transaction/*', '/invalidate']) {
      refusePlainKeys(app, path, accelerateErrorReply);
    }
  }
  app.get('/connection-info', ({ req }) => handler.connectionInfo(req.raw));
  app.post('/query', ({ req }) => handler.query(req.raw));
  app.post('/transaction/start', ({ req }) => handler.startTransaction(req.raw));
  app.post('/transaction/:id/query', ({ req }) => handler.queryWithin(req.raw, req.param('id')));
  app.post('/transaction/:id/commit', ({ req }) => handler.commit(req.raw, req.param('id')));
  app.post('/transaction/:id/rollback', ({ req }) => handler.rollback(req.raw, req.param('id')));
  app.post('/invalidate', ({ req }) => handler.invalidate(req.raw));
}
