import type { Operation } from './operation.ts';

const ids = Array.from({ length: 70_000 }, (_, index) => index - 35_000);

const lists: readonly Operation[] = [
  {
    name: 'in with 70 000 ids',
    // Unordered: that is what can be cut into chunks.
    run: async (prisma) => {
      const users = await prisma.user.findMany<{ id: number }[]>({ where: { id: { in: ids } }, select: { id: true } });
      return users.map(({ id }) => id).sort((a, b) => a - b);
    },
  },
  {
    name: 'P2029: in with 70 000 ids, ordered',
    fails: true,
    run: (prisma) => prisma.user.findMany({ where: { id: { in: ids } }, orderBy: { id: 'asc' } }),
  },
  {
    name: 'notIn with 30 000 ids',
    run: (prisma) => prisma.user.count({ where: { id: { notIn: ids.slice(0, 30_000) } } }),
  },
  {
    name: 'deleteMany with 70 000 ids',
    since: '7.4',
    run: async (prisma) => {
      await prisma.category.create({ data: { name: 'victim' } });
      const victim = await prisma.category.findFirstOrThrow<{ id: number }>({ where: { name: 'victim' } });
      return prisma.category.deleteMany({ where: { id: { in: [...ids.filter((id) => id < 1), victim.id] } } });
    },
  },
  {
    name: 'createMany of 15 000 rows',
    run: async (prisma) => [
      await prisma.category.createMany({
        data: Array.from({ length: 15_000 }, (_, index) => ({ name: `many ${index}` })),
      }),
      await prisma.category.deleteMany({ where: { name: { startsWith: 'many ' } } }),
    ],
  },
];

export const largeLists: readonly Operation[] = lists.map((operation) => ({ ...operation, isLarge: true }));
