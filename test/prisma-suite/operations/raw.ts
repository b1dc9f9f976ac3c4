import type { Operation } from './operation.ts';

export const raw: readonly Operation[] = [
  {
    name: 'raw query with parameters',
    run: (prisma) =>
      prisma.$queryRaw`SELECT ${1}::int AS i, ${'t'} AS t, ${true}::bool AS b, ${1.5}::float8 AS f, ${null}::text AS n, ${12345678901234n}::int8 AS big`,
  },
  {
    name: 'raw query of every column type',
    run: (prisma) => prisma.$queryRaw`SELECT * FROM "Everything" WHERE id = 1`,
  },
  {
    name: 'raw query of types Prisma has no field for',
    run: (prisma) =>
      prisma.$queryRaw`SELECT 'n'::name AS n, ARRAY['a','b']::varchar[] AS v, 1::oid AS o, 'x'::"role" AS r`.catch(
        (error: { code?: string }) => error.code,
      ),
  },
  {
    name: 'raw query with dates and bytes as parameters',
    run: (prisma) =>
      prisma.$queryRaw`SELECT ${new Date('2024-01-02T03:04:05.678Z')}::timestamptz AS tz, ${new Date('2024-01-02T03:04:05.678Z')}::timestamp AS t, ${new Date('2024-01-02')}::date AS d, ${Buffer.from([0, 255])}::bytea AS b`,
  },
  {
    name: 'raw query with a list as a parameter',
    run: (prisma) => prisma.$queryRaw`SELECT id FROM "User" WHERE id = ANY(${[1, 2]}) ORDER BY id`,
  },
  {
    name: 'raw query whose JSON looks like Prisma’s own tags',
    run: (prisma) =>
      prisma.$queryRawUnsafe(`SELECT '{"$type":"BigInt","value":"7"}'::jsonb AS j, '{"$type":"x"}'::json AS k`),
  },
  { name: 'raw query without rows', run: (prisma) => prisma.$queryRaw`SELECT 1 AS n WHERE false` },
  { name: 'raw query with the same column twice', run: (prisma) => prisma.$queryRaw`SELECT 1 AS a, 2 AS a` },
  {
    name: 'raw query, unsafe, with parameters',
    run: (prisma) => prisma.$queryRawUnsafe('SELECT $1::int + $2::int AS sum', 1, 2),
  },
  {
    name: 'raw execute counts rows',
    run: (prisma) => prisma.$executeRaw`UPDATE "Post" SET views = views + ${1} WHERE "authorId" = ${1}`,
  },
  {
    name: 'raw execute of several commands',
    run: async (prisma) => {
      await prisma.$executeRawUnsafe('CREATE TABLE several (n int); INSERT INTO several VALUES (1), (2)');
      return prisma.$queryRawUnsafe('SELECT sum(n)::int AS sum FROM several');
    },
  },
  { name: 'raw execute of DDL', run: (prisma) => prisma.$executeRawUnsafe('DROP TABLE several') },
  {
    name: 'an array of arrays',
    fails: true,
    run: (prisma) => prisma.$queryRawUnsafe('SELECT ARRAY[[1,2],[3,4]] AS m'),
  },
  {
    name: 'an array of arrays of texts',
    run: (prisma) => prisma.$queryRawUnsafe(`SELECT ARRAY[['a','b'],[NULL,'d']] AS m`),
  },
  {
    name: 'an array of times with an offset',
    run: (prisma) => prisma.$queryRawUnsafe(`SELECT ARRAY['2024-01-02 03:04:05+02'::timestamptz, NULL] AS t`),
  },
  {
    name: 'special floats',
    run: (prisma) => prisma.$queryRawUnsafe(`SELECT 1e-5::float8 AS a, 123456789.123::numeric AS b, 0::float4 AS c`),
  },
  { name: 'a syntax error', fails: true, run: (prisma) => prisma.$queryRawUnsafe('SELEC 1') },
  { name: 'a division by zero', fails: true, run: (prisma) => prisma.$queryRawUnsafe('SELECT 1/0') },
  {
    name: 'a type nobody can deserialize',
    fails: true,
    run: (prisma) => prisma.$queryRawUnsafe(`SELECT '1 day'::interval AS i`),
  },
];
