// POST /sql beside what people write themselves: Hono with node-postgres.
import { runWrk } from '../load/wrk.ts';
import { postern, type Scenario } from './scenario.ts';

const tenColumns = Array.from({ length: 5 }, (_, index) => `i + ${index} as n${index}, 'text ' || i as t${index}`).join(
  ', ',
);
const rows = (count: number): string => `select ${tenColumns} from generate_series(1, ${count}) i`;
const one = { query: 'select $1::int', params: [42] };

const statements = [
  { name: 'sql-1', title: 'select $1::int', callers: 64, body: one },
  { name: 'sql-100', title: '100 rows of 10 columns', callers: 64, body: { query: rows(100), params: [] } },
  { name: 'sql-10000', title: '10 000 rows of 10 columns', callers: 4, body: { query: rows(10_000), params: [] } },
  { name: 'sql-batch', title: 'batch of 10', callers: 64, body: { queries: Array.from({ length: 10 }, () => one) } },
];

export const sqlScenarios: readonly Scenario[] = statements.map(({ name, title, callers, body }) => ({
  name,
  title: `POST /sql, ${title}, callers: ${callers}`,
  unit: 'requests/s',
  async open(world, { measureMs, posternOnly }) {
    const wrk = world.program('wrk');
    if (!wrk) return undefined;
    const postgres = await world.postgres();
    const gateway = await world.postern();
    const servers = [{ name: postern, pid: gateway.pid, port: gateway.httpPort }];
    if (!posternOnly) servers.push({ name: 'hono + node-postgres', ...(await world.sqlPeer()) });
    const load = {
      ...{ wrk, folder: world.folder, callers, measureMs, body: JSON.stringify(body) },
      headers: { 'neon-connection-string': postgres.url() },
    };
    const idle = { begin() {}, end() {} };
    for (const { port } of servers) await runWrk({ ...load, port, measureMs: 1000 }, idle);
    return {
      contenders: servers.map((server) => ({
        name: server.name,
        serverPids: [server.pid],
        run: (meter) => runWrk({ ...load, port: server.port }, meter),
      })),
    };
  },
}));
