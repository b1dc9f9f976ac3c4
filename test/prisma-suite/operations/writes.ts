import type { Operation } from './operation.ts';

const at = new Date('2024-03-04T05:06:07.089Z');

export const writes: readonly Operation[] = [
  {
    name: 'create',
    run: (prisma) =>
      prisma.user.create({ data: { email: 'new@example.com', name: 'New "quoted" ü', role: 'ADMIN', createdAt: at } }),
  },
  {
    name: 'create with a default made by the database, returned',
    run: async (prisma) => {
      const made = await prisma.user.create<{ createdAt: unknown }>({ data: { email: 'now@example.com' } });
      return { ...made, createdAt: made.createdAt instanceof Date };
    },
  },
  {
    name: 'create with an id made by Prisma',
    run: async (prisma) => {
      const { id, name } = await prisma.team.create<{ id: string; name: string }>({ data: { name: 'made' } });
      return { isUuid: /^[0-9a-f-]{36}$/.test(id), name };
    },
  },
  {
    name: 'createMany',
    run: (prisma) => prisma.category.createMany({ data: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }),
  },
  {
    name: 'createMany, skipping duplicates',
    run: (prisma) => prisma.category.createMany({ data: [{ name: 'a' }, { name: 'd' }], skipDuplicates: true }),
  },
  {
    name: 'createManyAndReturn',
    run: (prisma) =>
      prisma.category.createManyAndReturn({ data: [{ name: 'e' }, { name: 'f' }], select: { name: true } }),
  },
  {
    name: 'update',
    run: (prisma) => prisma.user.update({ where: { id: 2 }, data: { name: 'Bob', score: { increment: 5 } } }),
  },
  {
    name: 'update with multiply and set null',
    run: (prisma) => prisma.user.update({ where: { id: 3 }, data: { name: null, score: { multiply: 2 } } }),
  },
  {
    name: 'updateMany',
    run: (prisma) => prisma.post.updateMany({ where: { published: true }, data: { views: { increment: 1 } } }),
  },
  {
    name: 'updateManyAndReturn',
    run: (prisma) =>
      prisma.category
        .updateManyAndReturn({
          where: { name: { in: ['e', 'f'] } },
          data: { name: { set: 'g' } },
          select: { name: true },
        })
        .catch((error: { code?: string }) => error.code),
  },
  {
    name: 'upsert that creates',
    run: (prisma) =>
      prisma.category.upsert({
        where: { name: 'u' },
        create: { name: 'u' },
        update: { name: 'x' },
        select: { name: true },
      }),
  },
  {
    name: 'upsert that updates',
    run: (prisma) =>
      prisma.category.upsert({
        where: { name: 'u' },
        create: { name: 'u' },
        update: { name: 'v' },
        select: { name: true },
      }),
  },
  { name: 'delete', run: (prisma) => prisma.category.delete({ where: { name: 'v' }, select: { name: true } }) },
  { name: 'deleteMany', run: (prisma) => prisma.category.deleteMany({ where: { name: { in: ['a', 'b', 'nope'] } } }) },
  {
    name: 'nested create: one, many, and connect',
    run: (prisma) =>
      prisma.user.create({
        data: {
          email: 'nest@example.com',
          createdAt: at,
          profile: { create: { bio: 'nested' } },
          posts: { create: [{ title: 'n1', categories: { connect: { name: 'db' } } }, { title: 'n2' }] },
        },
        include: {
          profile: { select: { bio: true } },
          posts: { select: { title: true, categories: { select: { name: true } } } },
        },
      }),
  },
  {
    name: 'nested update, disconnect and connectOrCreate',
    run: (prisma) =>
      prisma.user.update({
        where: { email: 'nest@example.com' },
        data: {
          profile: { update: { bio: 'changed' } },
          posts: {
            updateMany: { where: { title: 'n1' }, data: { views: 100 } },
            create: {
              title: 'n3',
              categories: { connectOrCreate: { where: { name: 'new' }, create: { name: 'new' } } },
            },
          },
        },
        select: {
          profile: { select: { bio: true } },
          posts: { select: { title: true, views: true }, orderBy: { id: 'asc' } },
        },
      }),
  },
  {
    name: 'many-to-many set',
    run: (prisma) =>
      prisma.post.update({
        where: { id: 1 },
        data: { categories: { set: [{ name: 'web' }] } },
        select: { categories: { select: { name: true } } },
      }),
  },
  {
    name: 'nested upsert and delete',
    run: (prisma) =>
      prisma.user.update({
        where: { email: 'nest@example.com' },
        data: {
          profile: { upsert: { create: { bio: 'c' }, update: { bio: 'u' } } },
          posts: { deleteMany: { title: 'n2' } },
        },
        select: { profile: { select: { bio: true } }, posts: { select: { title: true }, orderBy: { id: 'asc' } } },
      }),
  },
  {
    name: 'nested createMany, connect, disconnect and delete',
    run: async (prisma) => {
      const titles = { select: { posts: { select: { title: true, views: true }, orderBy: { id: 'asc' } } } };
      const where = { email: 'nest@example.com' };
      return [
        await prisma.user.update({
          where,
          data: { posts: { createMany: { data: [{ title: 'm1' }, { title: 'm2' }, { title: 'm3' }] } } },
          ...titles,
        }),
        await prisma.user.update({
          where,
          data: { posts: { connect: { id: 3 }, update: { where: { id: 3 }, data: { views: 50 } } } },
          ...titles,
        }),
        await prisma.user.update({ where, data: { posts: { disconnect: { id: 3 }, delete: [{ id: 8 }] } }, ...titles }),
        await prisma.post.update({ where: { id: 3 }, data: { author: { connect: { id: 2 } } } }),
        await prisma.post.update({ where: { id: 3 }, data: { author: { disconnect: true } } }),
        await prisma.user.update({ where, data: { profile: { delete: true } }, select: { profile: true } }),
      ];
    },
  },
  {
    name: 'nested create below a compound id',
    run: (prisma) =>
      prisma.team.create({
        data: {
          id: '00000000-0000-4000-8000-000000000002',
          name: 'edge',
          members: {
            create: {
              user: { connect: { id: 2 } },
              since: new Date('2024-02-29'),
              badges: { create: { label: 'new' } },
            },
          },
        },
        include: { members: { include: { badges: { select: { label: true } }, user: { select: { name: true } } } } },
      }),
  },
  {
    name: 'a compound id: create, update and delete',
    run: async (prisma) => {
      const teamId = '00000000-0000-4000-8000-000000000001';
      const where = { teamId_userId: { teamId, userId: 2 } };
      return [
        await prisma.membership.create({ data: { teamId, userId: 2, since: new Date('2024-02-29') } }),
        await prisma.membership.update({ where, data: { since: new Date('2023-01-31') } }),
        await prisma.membership.findMany({
          where: { OR: [where, { teamId, userId: 1 }].map(() => ({ teamId })) },
          orderBy: { userId: 'asc' },
        }),
        await prisma.membership.delete({ where }),
      ];
    },
  },
  {
    name: 'delete that cascades',
    run: async (prisma) => {
      await prisma.team.delete({ where: { name: 'core' } });
      return [await prisma.membership.count(), await prisma.badge.findMany({ select: { label: true } })];
    },
  },
];
