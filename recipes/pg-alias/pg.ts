/** What `pg` is for a bundler: our driver, also as the default export that `import pg from 'pg'` asks for. */
import '../websocket.ts';

export * from '@postern/serverless/pg';
export * as default from '@postern/serverless/pg';
