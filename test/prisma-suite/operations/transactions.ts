import type { SuiteClient, TransactionClient } from '../suite-client.ts';
import type { Operation } from './operation.ts';

const counts = (prisma: TransactionClient | SuiteClient) =>
  prisma.category.findMany({ select: { name: true }, orderBy: { name: 'asc' } });

export const transactions: readonly Operation[] = [
  {
    name: 'a list of steps',
    run: (prisma) =>
      prisma.$transaction([
        prisma.category.create({ data: { name: 't1' }, select: { name: true } }),
        prisma.category.count(),
        prisma.category.updateMany({ where: { name: 't1' }, data: { name: 't2' } }),
        prisma.$queryRaw`SELECT count(*)::int AS n FROM "Category"`,
      ]),
  },
  {
    name: 'a list of steps with an isolation level',
    run: (prisma) =>
      prisma.$transaction([prisma.$queryRaw`SHOW transaction_isolation`], { isolationLevel: 'Serializable' }),
  },
  {
    name: 'a list of steps, the last of which fails',
    fails: true,
    run: (prisma) =>
      prisma.$transaction([
        prisma.category.create({ data: { name: 't3' } }),
        prisma.category.create({ data: { name: 'db' } }),
      ]),
  },
  { name: 'leaves nothing behind', run: counts },
  {
    name: 'interactive',
    run: (prisma) =>
      prisma.$transaction(async (tx) => {
        const before = await tx.category.count();
        await tx.category.create({ data: { name: 'i1' } });
        const nested = await tx.user.update({
          where: { id: 1 },
          data: { posts: { create: { title: 'in a transaction' } } },
          select: { posts: { select: { title: true }, orderBy: { id: 'desc' }, take: 1 } },
        });
        return { before, after: await tx.category.count(), nested };
      }),
  },
  {
    name: 'interactive, several queries at once',
    run: (prisma) =>
      prisma.$transaction((tx) => Promise.all([tx.user.count(), tx.$queryRaw`SELECT 1 AS one`, tx.post.count()])),
  },
  {
    name: 'interactive, rolled back by an error of the program',
    fails: true,
    run: (prisma) =>
      prisma.$transaction(async (tx) => {
        await tx.category.create({ data: { name: 'i2' } });
        throw new Error('changed my mind');
      }),
  },
  {
    name: 'interactive, rolled back by an error of the database',
    fails: true,
    run: (prisma) =>
      prisma.$transaction(async (tx) => {
        await tx.category.create({ data: { name: 'i3' } });
        await tx.category.create({ data: { name: 'db' } });
      }),
  },
  { name: 'leaves nothing behind either', run: counts },
  {
    name: 'a failed statement makes the rest fail',
    run: (prisma) =>
      prisma.$transaction(async (tx) => {
        const first = await tx.$queryRawUnsafe('SELECT 1/0').catch((error: { code?: string }) => error.code);
        const second = await tx.category.count().catch((error: { code?: string }) => error.code ?? 'none');
        return { first, second };
      }),
  },
  ...(['ReadUncommitted', 'ReadCommitted', 'RepeatableRead', 'Serializable'] as const).map(
    (isolationLevel): Operation => ({
      name: `isolation ${isolationLevel}`,
      run: (prisma) => prisma.$transaction((tx) => tx.$queryRaw`SHOW transaction_isolation`, { isolationLevel }),
    }),
  ),
  {
    name: 'P2034: two transactions that cannot be put in order',
    fails: true,
    run: (prisma) =>
      prisma.$transaction(
        async (tx) => {
          await tx.user.findUnique({ where: { id: 1 } });
          await prisma.user.update({ where: { id: 1 }, data: { name: 'first' } });
          return tx.user.update({ where: { id: 1 }, data: { name: 'second' } });
        },
        { isolationLevel: 'RepeatableRead' },
      ),
  },
  {
    name: 'P2028: a transaction that takes too long',
    run: async (prisma) => {
      let code: unknown;
      await prisma
        .$transaction(
          async (tx) => {
            await new Promise((resolve) => setTimeout(resolve, 300));
            await tx.category.create({ data: { name: 'late' } }).catch((error: { code?: string }) => {
              code = error.code;
            });
          },
          { timeout: 100, maxWait: 20_000 },
        )
        .catch(() => {});
      return { code, late: await prisma.category.count({ where: { name: 'late' } }) };
    },
  },
  {
    name: 'P2028: a query on a transaction that is over',
    run: async (prisma) => {
      let kept: TransactionClient | undefined;
      await prisma.$transaction(async (tx) => {
        kept = tx;
      });
      return kept?.category.count().catch((error: { code?: string }) => error.code);
    },
  },
  {
    name: 'nested: the inner one is undone alone',
    since: '7.5',
    run: async (prisma) => {
      await prisma.$transaction(async (tx) => {
        await tx.category.create({ data: { name: 'outer' } });
        await tx
          .$transaction?.(async (inner) => {
            await inner.category.create({ data: { name: 'inner' } });
            throw new Error('undo');
          })
          .catch(() => {});
        await tx.$transaction?.((inner) => inner.category.create({ data: { name: 'kept' } }));
      });
      return counts(prisma);
    },
  },
  {
    name: 'nested: an error of the database in the inner one leaves the outer one usable',
    since: '7.5',
    run: async (prisma) => {
      const code = await prisma.$transaction(async (tx) => {
        const inner = tx.$transaction?.((one) =>
          Promise.resolve(
            one.$transaction?.(async (two) => {
              await two.category.create({ data: { name: 'deepest' } });
              return two.category.create({ data: { name: 'db' } });
            }),
          ),
        );
        const found = await inner?.catch((error: { code?: string }) => error.code);
        await tx.category.create({ data: { name: 'after the error' } });
        return found;
      });
      return [code, await counts(prisma)];
    },
  },
];
