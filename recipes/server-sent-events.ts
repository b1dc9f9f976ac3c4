// LISTEN/NOTIFY as server-sent events: what happens in Postgres shows in the browser.
//
// When: dashboards, chats, progress bars: few bytes, at once, to whoever is watching.
// Run:  npx tsx server-sent-events.ts
// `handle` is a fetch handler; in the page: new EventSource('/orders').onmessage = ({ data }) => …
// A pooled session that listens holds no server connection: one connection for each pool listens for all of them.
import { Client, postern } from '@postern/serverless';
import './websocket.ts';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres?options=pooled%3Dtrue';

export async function handle(_request: Request): Promise<Response> {
  const client = new Client(url);
  await client.connect();
  const notifications = client.listen('orders');
  let next = notifications.next(); // sends LISTEN
  await client.query('SELECT'); // is answered after it: from here on nothing is missed
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(': listening\n\n'));
    },
    async pull(controller) {
      const { done, value } = await next;
      if (done) return controller.close();
      next = notifications.next();
      controller.enqueue(encoder.encode(`data: ${value.payload}\n\n`));
    },
    cancel: () => client.end(),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
}

const response = await handle(new Request('https://app.example.com/orders'));
const events = response.body!.pipeThrough(new TextDecoderStream()).getReader();
console.log((await events.read()).value?.trim());

const sql = postern(url);
await sql`DROP TABLE IF EXISTS orders`;
await sql`CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL)`;
await sql`CREATE OR REPLACE FUNCTION tell_orders() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_notify('orders', row_to_json(NEW)::text); RETURN NEW; END $$`;
await sql`CREATE TRIGGER tell AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell_orders()`;
await sql`INSERT INTO orders (item) VALUES ('tea'), ('cake')`;
console.log((await events.read()).value?.trim());
console.log((await events.read()).value?.trim());
await events.cancel();

// Prints:
// : listening
// data: {"id":1,"item":"tea"}
// data: {"id":2,"item":"cake"}
