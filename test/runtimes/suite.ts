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

/** Both wires for what goes over WebSockets; streaming and interactive transactions as well. */
export async function runSuite(url: string, webSocketConstructor?: WebSocketConstructor): Promise<Outcome[]> {
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
  const sql = neon(url);
  await record('stream', async () => {
    let sum = 0;
    for await (const { n } of sql.stream<{ n: number }>`SELECT * FROM generate_series(1, 10000) AS n`) sum += n;
    return sum;
  });
  await record('begin', () => sql.begin(async (tx) => [await tx`SELECT 1 AS n`, await tx.commitWith`SELECT 2 AS n`]));
  return JSON.parse(JSON.stringify(outcomes)) as Outcome[];
}
