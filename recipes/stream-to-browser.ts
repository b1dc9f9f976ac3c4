// A large result streamed to the browser, as it comes out of Postgres: one JSON object a line.
//
// When: exports and long tables, which neither the function nor the browser should hold in memory.
// Run:  npx tsx stream-to-browser.ts
// `handle` is a fetch handler for Workers, Vercel Edge, Deno, Bun and Hono. A reader that is slow slows Postgres down; one that
// leaves has the query cancelled.
import { postern } from '@postern/serverless/http';

const sql = postern(process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres');

export function handle(request: Request): Response {
  const upTo = Number(new URL(request.url).searchParams.get('upTo'));
  // Not `FROM generate_series(…)`: what a function in FROM gives is complete before its first row is seen.
  const rows = sql.stream<{ n: string; square: string }>`
    SELECT n, n * n AS square FROM (SELECT generate_series(1, ${upTo}::bigint) AS n) AS numbers`;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await rows.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
    async cancel() {
      await rows.return(undefined);
    },
  });
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
}

/** What the page does: the rows of a response, one by one. */
async function* readRows(response: Response): AsyncGenerator<{ n: string; square: string }> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

let count = 0;
for await (const row of readRows(handle(new Request('https://app.example.com/squares?upTo=20000')))) {
  count++;
  if (row.n === '20000') console.log('last of', count, row);
}
// A billion rows, of which three are wanted.
for await (const { square } of readRows(handle(new Request('https://app.example.com/squares?upTo=1000000000')))) {
  console.log('square', square);
  if (square === '9') break;
}

// Prints:
// last of 20000 { n: '20000', square: '400000000' }
// square 1
// square 4
// square 9
