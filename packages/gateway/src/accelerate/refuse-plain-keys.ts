import { insecureTransport } from '../auth/insecure-transport.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { ErrorReply } from './responder.ts';

/** Refuses requests to `path` whose key others could have read on its way. Before the routes themselves are mounted. */
export function refusePlainKeys(app: HttpApp, path: string, errorReply: ErrorReply): void {
  app.use(path, async ({ env }, next) => {
    // What another worker passes on comes from nowhere: it has looked.
    if (env?.caller?.security !== 'plain') return next();
    const { status, headers, body } = errorReply(insecureTransport('Connect with TLS: https:// instead of http://.'));
    return Response.json(body, { status, headers });
  });
}
