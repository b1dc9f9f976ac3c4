// A Node function: a whole Postgres session over one WebSocket. Each vote becomes a server-sent event.

import { Client, configure } from '@postern/serverless';
import { WebSocket } from 'ws';

// Node 22 and newer have a WebSocket of their own.
configure({ webSocketConstructor: WebSocket });

export function GET(): Response {
  const client = new Client(process.env.DATABASE_URL);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      await client.connect();
      for await (const { payload } of client.listen('votes')) {
        controller.enqueue(encoder.encode(`data: ${payload}\n\n`));
      }
      controller.close();
    },
    // The reader has left.
    cancel: () => client.end(),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
}
