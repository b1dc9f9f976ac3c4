import type { Operation } from './operation.ts';

export const errors: readonly Operation[] = [
  { name: 'P2002 unique', fails: true, run: (prisma) => prisma.user.create({ data: { email: 'ada@example.com' } }) },
  {
    name: 'P2002 unique, of a createMany',
    fails: true,
    run: (prisma) => prisma.category.createMany({ data: [{ name: 'z' }, { name: 'db' }] }),
  },
  {
    name: 'P2002 unique, nested',
    fails: true,
    run: (prisma) =>
      prisma.user.update({
        where: { id: 1 },
        data: { posts: { create: { title: 'x', categories: { create: { name: 'db' } } } } },
      }),
  },
  { name: 'and nothing of it stays', run: (prisma) => prisma.post.count({ where: { title: 'x' } }) },
  {
    name: 'P2003 foreign key',
    fails: true,
    run: (prisma) => prisma.post.create({ data: { title: 'x', authorId: 12345 } }),
  },
  { name: 'P2003 restrict', fails: true, run: (prisma) => prisma.user.delete({ where: { id: 1 } }) },
  { name: 'P2000 too long', fails: true, run: (prisma) => prisma.post.create({ data: { title: 'x'.repeat(41) } }) },
  {
    name: 'P2025 update of nothing',
    fails: true,
    run: (prisma) => prisma.user.update({ where: { id: 999 }, data: { name: 'x' } }),
  },
  { name: 'P2025 delete of nothing', fails: true, run: (prisma) => prisma.user.delete({ where: { id: 999 } }) },
  {
    name: 'P2025 findUniqueOrThrow',
    fails: true,
    run: (prisma) => prisma.user.findUniqueOrThrow({ where: { id: 999 } }),
  },
  {
    name: 'P2025 connect to nothing',
    fails: true,
    run: (prisma) => prisma.post.update({ where: { id: 1 }, data: { categories: { connect: { name: 'nope' } } } }),
  },
  {
    name: 'P2014 a required relation',
    fails: true,
    run: (prisma) => prisma.profile.update({ where: { id: 1 }, data: { user: { connect: { id: 999 } } } }),
  },
  {
    name: 'a check constraint',
    fails: true,
    run: (prisma) => prisma.user.update({ where: { id: 1 }, data: { score: 1_000_000 } }),
  },
  {
    name: 'P2020 out of range',
    fails: true,
    run: (prisma) => prisma.$executeRawUnsafe('UPDATE "User" SET score = 99999999999 WHERE id = 1'),
  },
  {
    name: 'an arithmetic overflow',
    fails: true,
    run: (prisma) => prisma.user.update({ where: { id: 1 }, data: { score: { multiply: 2_000_000_000 } } }),
  },
  {
    name: 'invalid input for a type',
    fails: true,
    run: (prisma) => prisma.everything.create({ data: { id: 9, inet: 'not an address' } }),
  },
  {
    name: 'not null',
    fails: true,
    run: (prisma) => prisma.$executeRawUnsafe('INSERT INTO "Category" (name) VALUES (NULL)'),
  },
  {
    name: 'P2021 a missing table, P2022 a missing column',
    run: async (prisma) => {
      await prisma.$executeRawUnsafe('ALTER TABLE "Profile" RENAME COLUMN bio TO bio_gone');
      const column = await prisma.profile.findMany().catch(pick);
      await prisma.$executeRawUnsafe('ALTER TABLE "Profile" RENAME COLUMN bio_gone TO bio');
      await prisma.$executeRawUnsafe('ALTER TABLE "Profile" RENAME TO "Gone"');
      const table = await prisma.profile.findMany().catch(pick);
      await prisma.$executeRawUnsafe('ALTER TABLE "Gone" RENAME TO "Profile"');
      return { column, table };
    },
  },
  {
    name: 'P2011 null where the database wants none',
    run: async (prisma) => {
      await prisma.$executeRawUnsafe('ALTER TABLE "Membership" ADD "note" text NOT NULL DEFAULT 1');
      await prisma.$executeRawUnsafe('ALTER TABLE "Membership" ALTER "note" DROP DEFAULT');
      const teamId = '00000000-0000-4000-8000-000000000002';
      const found = await prisma.membership.create({ data: { teamId, userId: 3, since: new Date(0) } }).catch(pick);
      await prisma.$executeRawUnsafe('ALTER TABLE "Membership" DROP "note"');
      return found;
    },
  },
  {
    name: 'P2023 a value that the enum does not have',
    run: async (prisma) => {
      await prisma.$executeRawUnsafe(`ALTER TYPE "role" ADD VALUE 'guest'`);
      await prisma.$executeRawUnsafe(`UPDATE "User" SET role = 'guest' WHERE id = 3`);
      const found = await prisma.user.findMany().catch(pick);
      await prisma.$executeRawUnsafe(`UPDATE "User" SET role = 'USER' WHERE id = 3`);
      return found;
    },
  },
  {
    name: 'P2017 a record that is not connected',
    fails: true,
    run: (prisma) => prisma.user.update({ where: { id: 1 }, data: { posts: { delete: { id: 4 } } } }),
  },
  {
    name: 'an argument that makes no sense',
    run: (prisma) => prisma.user.findMany({ where: { nope: 1 } }).catch((error: Error) => error.name),
  },
];

function pick(error: { code?: unknown; meta?: unknown; message: string }): object {
  return { code: error.code, meta: error.meta, message: error.message.split('\n').at(-1) };
}
