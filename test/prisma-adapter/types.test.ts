import { PrismaPostern } from '@postern/prisma-adapter';
import type { SqlDriverAdapterFactory, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type {
  SqlDriverAdapterFactory as Factory6,
  SqlMigrationAwareDriverAdapterFactory as MigrationAwareFactory6,
} from 'driver-adapter-utils-6';
import { expect, test } from 'vitest';

test('is an adapter factory for the compiler, too', () => {
  const factory = new PrismaPostern('postgres://u:p@h/d');
  const asFactory: SqlDriverAdapterFactory & Factory6 = factory;
  const asMigrationAware: SqlMigrationAwareDriverAdapterFactory & MigrationAwareFactory6 = factory;
  expect(asFactory.provider).toBe('postgres');
  expect(asMigrationAware.adapterName).toBe('@postern/prisma-adapter');
});
