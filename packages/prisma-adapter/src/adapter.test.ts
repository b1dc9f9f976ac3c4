import { describe, expect, test } from 'vitest';
import { createAdapter } from './adapter.ts';
import type { SqlDriverAdapter, SqlQuery } from './driver-adapter.ts';
import type { StatementResult, Transport } from './transport.ts';

const query = (sql: string): SqlQuery => ({ sql, args: [], argTypes: [] });

/** Writes down what it is asked, answers everything with one row of one text. */
function setUp(results: Partial<StatementResult> = {}) {
  const log: string[] = [];
  const result: StatementResult = { fields: [{ name: 'a', dataTypeID: 23 }], rows: [['1']], rowCount: 1, ...results };
  const transport: Transport = {
    async run({ text }) {
      log.push(text);
      return result;
    },
    async script(text) {
      log.push(`script ${text}`);
    },
    async begin(level) {
      log.push(`begin ${level}`);
      return {
        async run({ text }) {
          log.push(`tx ${text}`);
          return result;
        },
        async end(how) {
          log.push(`end ${how}`);
        },
      };
    },
    async close() {
      log.push('close');
    },
  };
  const adapter: SqlDriverAdapter = createAdapter({
    transport,
    info: { supportsRelationJoins: true },
    errors: { runtime: '7.10', host: 'h', port: undefined },
  });
  return { adapter, log };
}

describe('a transaction', () => {
  test.each([
    ['COMMIT', 'commit'],
    ['ROLLBACK', 'rollback'],
  ] as const)('%s ends it, and what follows has nothing left to do', async (sql, how) => {
    const { adapter, log } = setUp();
    const tx = await adapter.startTransaction('SERIALIZABLE');
    expect(tx.options).toEqual({ usePhantomQuery: false });
    await tx.executeRaw(query('SELECT 1'));
    expect(await tx.executeRaw(query(sql))).toBe(0);
    await tx[how]();
    expect(log).toEqual(['begin SERIALIZABLE', 'tx SELECT 1', `end ${how}`]);
    await expect(tx.queryRaw(query('SELECT 2'))).rejects.toMatchObject({ cause: { kind: 'TransactionAlreadyClosed' } });
  });

  test.each(['COMMIT', 'ROLLBACK'])('behind a %s of the program’s own, Prisma’s has nothing to do', async (own) => {
    const { adapter, log } = setUp();
    const tx = await adapter.startTransaction();
    await tx.executeRaw(query(own));
    expect(await tx.executeRaw(query('COMMIT'))).toBe(0);
    await tx.commit();
    expect(log).toEqual(['begin undefined', `end ${own.toLowerCase()}`]);
  });

  test('commit() and rollback() alone end it too', async () => {
    for (const how of ['commit', 'rollback'] as const) {
      const { adapter, log } = setUp();
      const tx = await adapter.startTransaction();
      await tx[how]();
      await tx.rollback();
      expect(log).toEqual(['begin undefined', `end ${how}`]);
    }
  });
});

test('types without a name are refused, by what Postgres calls them', async () => {
  const { adapter } = setUp({ fields: [{ name: 'a', dataTypeID: 1186 }] });
  await expect(adapter.queryRaw(query('SELECT 1'))).rejects.toMatchObject({
    name: 'DriverAdapterError',
    cause: { kind: 'UnsupportedNativeDataType', type: 'interval' },
  });
  // Nobody reads its rows.
  expect(await adapter.executeRaw(query('SELECT 1'))).toBe(1);
});

test('dispose() can be called twice', async () => {
  const { adapter, log } = setUp();
  await Promise.all([adapter.dispose(), adapter.dispose()]);
  await adapter.dispose();
  expect(log).toEqual(['close']);
});
