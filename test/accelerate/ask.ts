/** The routes without a client: what a stranger could send. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface AskOptions {
  readonly key?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export async function ask(origin: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { key, method = 'POST', headers = {}, body } = options;
  const response = await fetch(origin + path, {
    method,
    headers: {
      'prisma-engine-hash': '7.10.0',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text), text };
}

/** The body of a raw query. */
export function rawQuery(sql: string): object {
  return {
    operation: 'queryRaw',
    plan: { type: 'query', args: { type: 'rawSql', sql, args: [], argTypes: [] } },
    params: {},
  };
}
