// From Prisma Accelerate to a Postgres of your own: the URL changes, cacheStrategy goes on working.
//
// When: the client has an `accelerateUrl` (Prisma 7; in Prisma 6 the datasource's url) and you want to host that part yourself.
// Run:  npx prisma generate --schema prisma/schema.prisma && node migrate-from-accelerate.mjs   (`postern keys create` makes a key)
// The endpoint is ours, compatible with Prisma 6.17 to 7.10; we are not affiliated with Prisma. `gatewayFetch` keeps
// `$accelerate.invalidate()`, and your key with it, from going to Prisma's cloud.
import { connectLater, gatewayFetch } from '@postern/prisma-adapter';
import { withAccelerate } from '@prisma/extension-accelerate';
import { PrismaClient } from './generated/prisma/index.js';

// before: const accelerateUrl = 'prisma+postgres://accelerate.prisma-data.net/?api_key=…';
const accelerateUrl = process.env.ACCELERATE_URL ?? 'prisma+postgres://localhost:4444/?api_key=dev';

const accelerate = withAccelerate({ fetch: gatewayFetch(accelerateUrl) });
const prisma = new PrismaClient({ accelerateUrl }).$extends(connectLater(accelerate));

await prisma.$executeRaw`DROP TABLE IF EXISTS "Guest"`;
await prisma.$executeRaw`CREATE TABLE "Guest" (id serial PRIMARY KEY, name text NOT NULL)`;
await prisma.guest.create({ data: { name: 'Ada' } });

const cached = () => prisma.guest.findMany({ cacheStrategy: { ttl: 60, swr: 60, tags: ['guests'] } });
console.log('first  ', await cached());
await prisma.guest.create({ data: { name: 'Grace' } });
console.log('cached ', await cached());
await prisma.$accelerate.invalidate({ tags: ['guests'] });
console.log('changed', await cached());

const failing = prisma.$transaction(async (tx) => {
  await tx.guest.deleteMany();
  throw new Error('Not like this');
});
await failing.catch(({ message }) => console.log(message));
console.log('guests', await prisma.guest.count());
await prisma.$disconnect();

// Prints:
// first   [ { id: 1, name: 'Ada' } ]
// cached  [ { id: 1, name: 'Ada' } ]
// changed [ { id: 1, name: 'Ada' }, { id: 2, name: 'Grace' } ]
// Not like this
// guests 2
