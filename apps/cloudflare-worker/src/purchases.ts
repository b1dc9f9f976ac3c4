// SQL with @postern/serverless: one query, a transaction, a stream; all over plain HTTP.

import { postern } from '@postern/serverless/http';
import { Hono } from 'hono';
import { stream } from 'hono/streaming';

export const purchases = new Hono<{ Bindings: Env }>();

/** One query, one round trip. */
purchases.get('/', async (c) => {
  const sql = postern(c.env.DATABASE_URL);
  const rows = await sql`
    SELECT purchase.id, product.name, quantity, bought_at AS "boughtAt"
    FROM purchase JOIN product ON product.id = product_id
    ORDER BY purchase.id DESC LIMIT 20`;
  return c.json(rows);
});

/** Two statements, both or neither. BEGIN travels with the first, COMMIT with the last: two round trips. */
purchases.post('/', async (c) => {
  const order = await c.req.json<unknown>().catch(() => undefined);
  const { productId, quantity = 0 } = Object(order) as { productId?: number; quantity?: number };
  if (!Number.isInteger(productId) || !Number.isInteger(quantity) || quantity < 1) {
    return c.json({ error: 'productId and quantity must be whole numbers, quantity above 0' }, 400);
  }
  const sql = postern(c.env.DATABASE_URL);
  const purchase = await sql.begin(async (tx) => {
    const [product] = await tx`
      UPDATE product SET stock = stock - ${quantity} WHERE id = ${productId} AND stock >= ${quantity} RETURNING id`;
    if (!product) return undefined;
    const [row] = await tx.commitWith<{ id: number }>`
      INSERT INTO purchase (product_id, quantity) VALUES (${productId}, ${quantity}) RETURNING id`;
    return row;
  });
  return purchase ? c.json(purchase, 201) : c.json({ error: 'not that many in stock' }, 409);
});

/** Rows go out as they come in: memory stays small however long the table is, and a reader who leaves ends the query. */
purchases.get('/export.csv', (c) => {
  const sql = postern(c.env.DATABASE_URL);
  c.header('content-type', 'text/csv; charset=utf-8');
  return stream(c, async (out) => {
    await out.write('id,product,quantity,bought at\r\n');
    const rows = sql.stream<{ id: number; product: number; quantity: number; at: Date }>`
      SELECT id, product_id AS product, quantity, bought_at AS at FROM purchase ORDER BY id`;
    for await (const { id, product, quantity, at } of rows) {
      if (out.aborted) break; // cancels the query
      await out.write(`${id},${product},${quantity},${at.toISOString()}\r\n`);
    }
  });
});
