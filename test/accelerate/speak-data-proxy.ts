import { createHash } from 'node:crypto';
import { type Answer, type AskOptions, ask } from './ask.ts';

/** The older protocol without a client: what a stranger could send. */
export interface DataProxyCaller {
  readonly hash: string;
  /** Of the client and its schema; starts with `/`. */
  readonly base: string;
  upload(): Promise<Answer>;
  /** A query of a model, an object for the body, or its text. */
  query(body: object | string, options?: AskOptions): Promise<Answer>;
  /** The same, on any of the routes. */
  post(action: string, options?: AskOptions): Promise<Answer>;
}

export interface SpeakOptions {
  readonly key: string | undefined;
  readonly schema: string;
  readonly version?: string;
}

export function speakDataProxy(origin: string, { key, schema, version = '6.19.3' }: SpeakOptions): DataProxyCaller {
  const base64 = Buffer.from(schema).toString('base64');
  const hash = createHash('sha256').update(base64).digest('hex');
  const base = `/${version}/${hash}`;
  const post = (action: string, options: AskOptions = {}): Promise<Answer> =>
    ask(origin, `${base}/${action}`, { key, ...options });
  return {
    hash,
    base,
    upload: () => post('schema', { method: 'PUT', body: base64 }),
    query: (body, options = {}) => post('graphql', { ...options, body }),
    post,
  };
}

/** The body of a query of a model. */
export function find(model: string, args: object = {}, action = 'findMany'): object {
  return { modelName: model, action, query: { arguments: args, selection: { $scalars: true } } };
}

/** The body of a raw query. */
export function raw(query: string): object {
  return { action: 'queryRaw', query: { arguments: { query, parameters: '[]' }, selection: {} } };
}

/** One table of the suite's database, among `models` others. */
export function smallSchema(name = 'Category', models = 0): string {
  const others = Array.from({ length: models }, (_, index) => `model Other${index} {\n  id Int @id\n}\n`);
  return `datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
model ${name} {
  id   Int    @id @default(autoincrement())
  name String @unique
  @@map("Category")
}
${others.join('')}`;
}
