import type { Operation } from './operation.ts';

const teamId = '00000000-0000-4000-8000-000000000001';

export const reads: readonly Operation[] = [
  { name: 'findMany', run: (prisma) => prisma.user.findMany({ orderBy: { id: 'asc' } }) },
  { name: 'findUnique', run: (prisma) => prisma.user.findUnique({ where: { email: 'ada@example.com' } }) },
  { name: 'findUnique without a match', run: (prisma) => prisma.user.findUnique({ where: { id: 999 } }) },
  { name: 'findUniqueOrThrow', run: (prisma) => prisma.user.findUniqueOrThrow({ where: { id: 2 } }) },
  {
    name: 'findFirst',
    run: (prisma) => prisma.post.findFirst({ where: { published: true }, orderBy: { views: 'desc' } }),
  },
  { name: 'findFirstOrThrow', run: (prisma) => prisma.post.findFirstOrThrow({ where: { authorId: null } }) },
  {
    name: 'findUnique three times at once, which Prisma makes one query',
    run: (prisma) => Promise.all([1, 2, 999].map((id) => prisma.user.findUnique({ where: { id } }))),
  },
  {
    name: 'include one, many and many-to-many',
    run: (prisma) =>
      prisma.user.findMany({
        include: { profile: true, posts: { include: { categories: true }, orderBy: { id: 'asc' } }, memberships: true },
        orderBy: { id: 'asc' },
      }),
  },
  {
    name: 'select of nested fields',
    run: (prisma) =>
      prisma.post.findMany({
        select: { title: true, author: { select: { email: true, profile: { select: { bio: true } } } } },
        orderBy: { id: 'asc' },
      }),
  },
  {
    name: 'count of relations',
    run: (prisma) =>
      prisma.user.findMany({ select: { id: true, _count: { select: { posts: true } } }, orderBy: { id: 'asc' } }),
  },
  {
    name: 'filters: OR, NOT, contains without case, in, gt',
    run: (prisma) =>
      prisma.user.findMany({
        where: {
          OR: [{ name: { contains: 'AD', mode: 'insensitive' } }, { score: { gt: 25 } }],
          NOT: { email: { startsWith: 'x' } },
          id: { in: [1, 2, 3] },
        },
        orderBy: { id: 'asc' },
      }),
  },
  {
    name: 'filters on relations: some, none, is',
    run: (prisma) =>
      Promise.all([
        prisma.user.findMany({
          where: { posts: { some: { published: true } } },
          select: { id: true },
          orderBy: { id: 'asc' },
        }),
        prisma.user.findMany({ where: { posts: { none: {} } }, select: { id: true } }),
        prisma.post.findMany({
          where: { author: { is: { name: 'Ada' } } },
          select: { id: true },
          orderBy: { id: 'asc' },
        }),
      ]),
  },
  { name: 'filter by an enum that is mapped', run: (prisma) => prisma.user.findMany({ where: { role: 'ADMIN' } }) },
  {
    name: 'cursor, skip, take and take from the end',
    run: (prisma) =>
      Promise.all([
        prisma.post.findMany({ cursor: { id: 2 }, skip: 1, take: 2, orderBy: { id: 'asc' } }),
        prisma.post.findMany({ take: -2, orderBy: { id: 'asc' } }),
      ]),
  },
  { name: 'distinct', run: (prisma) => prisma.post.findMany({ distinct: ['published'], orderBy: { id: 'asc' } }) },
  {
    name: 'order by a relation, nulls last',
    run: (prisma) =>
      prisma.post.findMany({
        orderBy: [{ author: { email: 'desc' } }, { id: 'asc' }],
        select: { id: true, authorId: true },
      }),
  },
  { name: 'count', run: (prisma) => prisma.post.count({ where: { views: { gte: 5 } } }) },
  { name: 'count by field', run: (prisma) => prisma.user.count({ select: { _all: true, name: true } }) },
  {
    name: 'aggregate',
    run: (prisma) =>
      prisma.post.aggregate({
        _sum: { views: true },
        _avg: { views: true },
        _min: { title: true },
        _max: { views: true },
        _count: true,
      }),
  },
  {
    name: 'groupBy with having',
    run: (prisma) =>
      prisma.post.groupBy({
        by: ['published'],
        _sum: { views: true },
        _count: { _all: true },
        having: { views: { _sum: { gt: 1 } } },
        orderBy: { published: 'asc' },
      }),
  },
  {
    name: 'a compound id',
    run: (prisma) =>
      prisma.membership.findUnique({
        where: { teamId_userId: { teamId: '00000000-0000-4000-8000-000000000001', userId: 1 } },
        include: { team: true },
      }),
  },
  {
    name: 'compound ids at once, which Prisma makes one query',
    run: (prisma) =>
      Promise.all(
        [1, 2, 3].map((userId) => prisma.membership.findUnique({ where: { teamId_userId: { teamId, userId } } })),
      ),
  },
  {
    name: 'relations by compound ids, both ways',
    run: async (prisma) => [
      await prisma.membership.findMany({
        include: { badges: { orderBy: { id: 'asc' } } },
        orderBy: { userId: 'asc' },
      }),
      await prisma.badge.findMany({ include: { member: { include: { team: true } } }, orderBy: { id: 'asc' } }),
      await prisma.badge.findMany({ where: { member: { is: { since: { gt: new Date('2024-06-01') } } } } }),
    ],
  },
  {
    name: 'omit',
    run: (prisma) => prisma.user.findFirst({ where: { id: 1 }, omit: { createdAt: true, score: true } }),
  },
  { name: 'findFirst without a match', run: (prisma) => prisma.post.findFirst({ where: { title: 'nope' } }) },
];
