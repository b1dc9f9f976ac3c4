import type { Operation } from './operation.ts';

const full = {
  text: 'a\u0001 "b" \\ ü 😀',
  varchar: 'twenty',
  char: 'ab',
  bool: true,
  int: -2147483648,
  smallint: 32767,
  oid: 4294967,
  bigint: 9223372036854775807n,
  float: 1.25e300,
  real: 1.5,
  decimal: '12345678901234567890.123456789',
  numeric: '-0.000001',
  money: '12.50',
  timestamp: new Date('2024-02-29T23:59:59.999Z'),
  timestamptz: new Date('1969-12-31T23:59:59.001Z'),
  date: new Date('2024-02-29'),
  time: new Date('1970-01-01T12:34:56.789Z'),
  timetz: new Date('1970-01-01T01:02:03Z'),
  json: { a: [1, null, 'x'], $type: 'not ours' },
  jsonb: [1.5, { b: true }],
  bytes: new Uint8Array([0, 1, 127, 128, 255]),
  uuid: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  xml: '<a b="c"/>',
  inet: '10.1.2.3',
  bit: '1010',
  varbit: '101',
  role: 'ADMIN',
  texts: ['', 'a,b', '{x}', '"', '\\', 'NULL', 'ü'],
  bools: [true, false],
  ints: [1, -2, 3],
  bigints: [1n, -9223372036854775808n],
  floats: [0.1, -1e-7],
  decimals: ['1.10', '-2'],
  timestamps: [new Date('2024-01-02T03:04:05.678Z')],
  timestamptzs: [new Date('2024-01-02T03:04:05.678Z'), new Date('2024-07-01T00:00:00Z')],
  dates: [new Date('2024-01-02')],
  times: [new Date('1970-01-01T03:04:05.678Z')],
  jsons: [{ a: 1 }, [2], 'text', 3],
  bytess: [new Uint8Array([1, 2]), new Uint8Array([])],
  uuids: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  roles: ['USER', 'ADMIN'],
};

export const values: readonly Operation[] = [
  {
    name: 'every column type, written and read back',
    run: (prisma) => prisma.everything.create({ data: { id: 1, ...full } }),
  },
  { name: 'every column type, read', run: (prisma) => prisma.everything.findUnique({ where: { id: 1 } }) },
  { name: 'NULL in every column', run: (prisma) => prisma.everything.create({ data: { id: 2 } }) },
  {
    name: 'every column type as a filter',
    run: (prisma) => {
      // Postgres cannot compare xml, Prisma has other filters for json, and the official adapter sends lists of times and
      // of bytes as they are not to be read.
      const { json: _json, xml: _xml, times: _times, bytess: _bytess, ...comparable } = full;
      const lists = Object.entries(comparable).filter(([, value]) => Array.isArray(value));
      const scalars = Object.entries(comparable).filter(([name]) => !lists.some(([list]) => list === name));
      return prisma.everything.findMany({
        where: {
          AND: [
            ...scalars.map(([name, value]) => ({ [name]: value })),
            ...lists.map(([name, value]) => ({ [name]: { equals: value } })),
          ],
        },
        select: { id: true },
      });
    },
  },
  {
    name: 'list operators: has, hasEvery, isEmpty, push',
    run: async (prisma) => [
      await prisma.everything.count({ where: { ints: { has: -2 } } }),
      await prisma.everything.count({ where: { texts: { hasEvery: ['', 'NULL'] } } }),
      await prisma.everything.count({ where: { bytess: { isEmpty: false } } }),
      await prisma.everything.update({
        where: { id: 1 },
        data: { ints: { push: [4, 5] }, roles: { push: 'USER' } },
        select: { ints: true, roles: true },
      }),
    ],
  },
  {
    name: 'JSON filters by path',
    run: (prisma) =>
      prisma.everything.findMany({
        where: { json: { path: ['a', '2'], equals: 'x' } },
        select: { id: true, json: true },
      }),
  },
  {
    name: 'arithmetic on decimals and bigints',
    run: (prisma) =>
      prisma.everything.update({
        where: { id: 1 },
        data: { decimal: { increment: '0.1' }, numeric: { multiply: 3 }, bigint: { decrement: 7 } },
        select: { decimal: true, numeric: true, bigint: true },
      }),
  },
  {
    name: 'aggregates of decimals, bigints and floats',
    run: (prisma) =>
      prisma.everything.aggregate({
        _sum: { bigint: true, decimal: true, smallint: true },
        _avg: { int: true, real: true },
        _max: { timestamptz: true },
      }),
  },
  {
    name: 'dates before 1970 and far away',
    run: (prisma) =>
      prisma.everything.create({
        data: {
          id: 3,
          timestamp: new Date('1900-01-01T00:00:00.001Z'),
          timestamptz: new Date('9999-12-31T23:59:59.999Z'),
          date: new Date('1582-10-15'),
        },
        select: { timestamp: true, timestamptz: true, date: true },
      }),
  },
  {
    name: 'dates that never come',
    run: async (prisma) => {
      await prisma.$executeRawUnsafe(
        `UPDATE "Everything" SET timestamp = 'infinity', date = '-infinity', timestamptzs = '{infinity}' WHERE id = 3`,
      );
      return prisma.everything.findUnique({
        where: { id: 3 },
        select: { timestamp: true, timestamptz: true, date: true, timestamptzs: true },
      });
    },
  },
];
