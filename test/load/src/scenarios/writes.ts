// Reads and writes in transactions, as applications do them.
import pg from 'pg';
import type { Scenario } from './scenario.ts';
import { openPgbench } from './tcp.ts';

const accounts = 100_000;
const script = `\\set id random(1, ${accounts})
\\set delta random(-5000, 5000)
begin;
update bench_accounts set balance = balance + :delta where id = :id;
select balance from bench_accounts where id = :id;
insert into bench_history (account, delta) values (:id, :delta);
commit;
`;

export const writeScenarios: readonly Scenario[] = [
  {
    name: 'writes',
    title: 'TCP, transactions of update, select and insert, callers: 32',
    unit: 'transactions/s',
    async open(world, settings) {
      if (!world.program('pgbench')) return undefined;
      const client = new pg.Client({ connectionString: (await world.postgres()).url() });
      await client.connect();
      await client.query(`drop table if exists bench_accounts, bench_history;
        create table bench_accounts (id int primary key, balance int not null);
        create table bench_history (account int not null, delta int not null, at timestamptz default now());
        insert into bench_accounts select i, 0 from generate_series(1, ${accounts}) i`);
      await client.query('vacuum analyze bench_accounts');
      await client.end();
      return openPgbench(world, settings, { script, protocol: 'extended', callers: 32 });
    },
  },
];
