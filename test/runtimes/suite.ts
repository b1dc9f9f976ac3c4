// What runs inside each runtime: the driver's behaviour cases, with their outcomes as plain JSON.
import { Client, neon, neonConfig, Pool, type WebSocketConstructor } from '@postern/serverless';
import { behaviour, errorOf } from '../../packages/serverless/src/testing/behaviour.ts';

export interface Outcome {
  readonly name: string;
  readonly outcome: unknown;
}

/** Bytes have different classes in different runtimes. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { bytes: [...bytes] };
  }
  if (value instanceof Date) return { date: value.toISOString() };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** What only our driver does over WebSockets. */
async function sessions(client: Client): Promise<unknown> {
  const listened = (async () => {
    for await (const { payload } of client.listen('runtimes')) return payload;
    return undefined;
  })();
  const pipelined = await Promise.allSettled([
    client.query('SELECT 1 AS n'),
    client.query('SELECT 1 / 0'),
    client.query("SELECT pg_notify('runtimes', 'heard')"),
  ]);
  await client.query('CREATE TEMP TABLE copied (n int)');
  const { rowCount } = await client.copyFrom('COPY copied FROM STDIN', ['1\n', new Uint8Array([50, 10])]);
  let text = '';
  for await (const bytes of client.copyTo('COPY copied TO STDOUT')) text += new TextDecoder().decode(bytes);
  let sum = 0;
  for await (const { n } of client.cursor<{ n: number }>('SELECT * FROM generate_series(1, 1000) AS n')) sum += n;
  const aborted = await errorOf(client.query({ text: 'SELECT pg_sleep(30)', signal: AbortSignal.timeout(50) }));
  const after = (await client.query('SELECT 2 AS n')).rows;
  return [await listened, pipelined.map(({ status }) => status), rowCount, text, sum, aborted.code, after];
}

/**
 * Both wires for what goes over WebSockets; streaming and interactive transactions as well. `urls`: of a gateway that takes
 * passwords, and of one that wants SCRAM, with a space between.
 */
export async function runSuite(urls: string, webSocketConstructor?: WebSocketConstructor): Promise<Outcome[]> {
  const [url = '', scramUrl = ''] = urls.split(' ');
  neonConfig.webSocketConstructor = webSocketConstructor;
  const outcomes: Outcome[] = [];
  const record = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    let result: unknown;
    const finished = run().then((value) => {
      result = value;
    });
    const error = await errorOf(finished);
    outcomes.push({ name, outcome: plain(error.isError ? { error } : { result }) });
  };
  for (const protocol of ['neon', 'postern'] as const) {
    neonConfig.protocol = protocol;
    for (const { name, run } of behaviour) {
      if (protocol === 'postern' || name.startsWith('ws')) {
        await record(`${protocol} ${name}`, () => run({ neon, Client, Pool } as never, url));
      }
    }
  }
  const connected = async (to: string, use: (client: Client) => Promise<unknown>): Promise<unknown> => {
    const client = new Client(to);
    await client.connect();
    return use(client).finally(() => client.end());
  };
  await record('sessions', () => connected(url, sessions));
  neonConfig.pipelineConnect = false;
  await record('SCRAM', () => connected(scramUrl, async (client) => (await client.query('SELECT 3 AS n')).rows));
  neonConfig.pipelineConnect = undefined;
  const sql = neon(url);
  await record('stream', async () => {
    let sum = 0;
    for await (const { n } of sql.stream<{ n: number }>`SELECT * FROM generate_series(1, 10000) AS n`) sum += n;
    return sum;
  });
  await record('begin', () => sql.begin(async (tx) => [await tx`SELECT 1 AS n`, await tx.commitWith`SELECT 2 AS n`]));
  return JSON.parse(JSON.stringify(outcomes)) as Outcome[];
}
