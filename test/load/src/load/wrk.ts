// wrk as the caller of /sql.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Meter } from '../measure/meter.ts';
import { startProcess } from '../processes/running-process.ts';
import type { FleetCount } from './fleet.ts';

export interface WrkOptions {
  readonly wrk: string;
  readonly folder: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly callers: number;
  readonly measureMs: number;
}

/** Posts to /sql for as long as asked, in whole seconds as wrk wants it. Rejects when an answer was not 200. */
export async function runWrk(options: WrkOptions, meter: Meter): Promise<FleetCount> {
  const script = join(options.folder, 'post.lua');
  const headers = Object.entries({ 'content-type': 'application/json', ...options.headers });
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.body = ${luaString(options.body)}
${headers.map(([name, value]) => `wrk.headers[${luaString(name)}] = ${luaString(value)}`).join('\n')}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"bytes":%d,"micros":%d,"errors":%d,"p50":%d,"p99":%d,"max":%d}\\n',
    summary.requests, summary.bytes, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
`,
  );
  const seconds = Math.max(1, Math.round(options.measureMs / 1000));
  const running = startProcess(options.wrk, [
    ...['-t', '1', '-c', String(options.callers), '-d', `${seconds}s`, '--timeout', '20s', '-s', script],
    `http://127.0.0.1:${options.port}/sql`,
  ]);
  let output = '';
  running.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  meter.begin();
  await running.exited;
  meter.end();
  const line = /^\{"requests".*\}$/m.exec(output)?.[0];
  if (!line) throw new Error(`wrk failed:\n${output}`);
  const result = JSON.parse(line) as Record<'requests' | 'bytes' | 'errors' | 'p50' | 'p99' | 'max', number>;
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed`);
  return {
    operations: result.requests,
    bytes: result.bytes,
    latency: { p50Ms: result.p50 / 1000, p99Ms: result.p99 / 1000, maxMs: result.max / 1000 },
  };
}

function luaString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
