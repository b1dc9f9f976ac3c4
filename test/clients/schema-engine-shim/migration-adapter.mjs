// Prisma's adapter for `pg`, completed with what its schema engine needs: one connection like the native engine, whole
// scripts, the type "char", a shadow database that is dropped when nobody is left in it.
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import pg from 'pg';

const charOid = 18;
const textOid = 25;
/** By the rows of a result: which of its columns are "char". */
const charColumns = new WeakMap();

/** The adapter refuses "char", so it is shown text, and told the truth by `queryRaw` below. */
class Client extends pg.Client {
  query(...args) {
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      return super.query(...args.slice(0, -1), (error, result) => callback(error, relabelled(result)));
    }
    return super.query(...args).then(relabelled);
  }
}

function relabelled(result) {
  for (const [index, field] of (result?.fields ?? []).entries()) {
    if (field.dataTypeID !== charOid) continue;
    field.dataTypeID = textOid;
    charColumns.set(result.rows, [...(charColumns.get(result.rows) ?? []), index]);
  }
  return result;
}

function withChars(queryable) {
  const queryRaw = queryable.queryRaw.bind(queryable);
  queryable.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  return queryable;
}

async function connect(url) {
  const pool = new pg.Pool({ connectionString: url, max: 1, Client });
  const adapter = withChars(await new PrismaPg(pool, { disposeExternalPool: true }).connect());
  const startTransaction = adapter.startTransaction.bind(adapter);
  adapter.startTransaction = async (isolationLevel) => withChars(await startTransaction(isolationLevel));
  adapter.executeScript = async (script) => {
    await pool.query(script).catch((error) => adapter.onError(error));
  };
  return adapter;
}

export function createMigrationAdapterFactory({ url, shadowDatabaseUrl }) {
  return {
    provider: 'postgres',
    adapterName: 'schema-engine-shim',
    connect: () => connect(url),
    async connectToShadowDb() {
      if (shadowDatabaseUrl) return connect(shadowDatabaseUrl);
      const name = `prisma_migrate_shadow_db_${randomUUID()}`;
      const main = await connect(url);
      await main.executeScript(`CREATE DATABASE "${name}"`);
      const shadow = await connect(Object.assign(new URL(url), { pathname: `/${name}` }).href);
      const disconnect = shadow.dispose.bind(shadow);
      shadow.dispose = async () => {
        await disconnect();
        await main.executeScript(`DROP DATABASE "${name}"`);
        await main.dispose();
      };
      return shadow;
    },
  };
}
