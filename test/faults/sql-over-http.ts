/** `POST /sql` by hand, for what the official driver never sends. */

export interface SqlReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface SqlRequest {
  readonly port: number;
  /** For the Neon-Connection-String header. */
  readonly connectionString: string;
  /** Sent as JSON unless it is a text. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export async function postSql({ port, connectionString, body, headers, signal }: SqlRequest): Promise<SqlReply> {
  const response = await fetch(`http://127.0.0.1:${port}/sql`, {
    method: 'POST',
    headers: {
      'Neon-Connection-String': connectionString,
      'Neon-Raw-Text-Output': 'true',
      'Neon-Array-Mode': 'true',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: response.status, body: (await response.json()) as SqlReply['body'] };
}
