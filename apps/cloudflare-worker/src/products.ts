// The same tables with Prisma, through @postern/prisma-adapter.

import { PrismaPostern } from '@postern/prisma-adapter';
import { Hono } from 'hono';
import { PrismaClient } from '../generated/prisma/client.ts';

/**
 * A client for each request, which costs nothing on the network: Prisma joins queries of the same moment into one, and no
 * request of a Worker may wait for another's.
 */
function openPrisma(connectionString: string): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPostern({ connectionString }) });
}

export const products = new Hono<{ Bindings: Env }>();

products.get('/', async (c) => {
  const prisma = openPrisma(c.env.DATABASE_URL);
  return c.json(await prisma.product.findMany({ orderBy: { name: 'asc' } }));
});

products.get('/:id{[0-9]{1,9}}', async (c) => {
  const prisma = openPrisma(c.env.DATABASE_URL);
  const product = await prisma.product.findUnique({
    where: { id: Number(c.req.param('id')) },
    include: { purchases: { orderBy: { id: 'desc' }, take: 10 } },
  });
  return product ? c.json(product) : c.json({ error: 'no such product' }, 404);
});
