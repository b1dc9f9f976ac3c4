// Who Postern is compared with. All of them have the same Postgres behind them, over TCP, and the same pool size.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '@postern/launcher';
import { findProgram, type RunningProcess, startProcess, waitForPort } from './running-process.ts';
import type { World } from './world.ts';

export interface TcpServer {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

const nobody = 65534;

/** PgBouncer in transaction mode. It refuses to run as root. */
export async function startPgbouncer(world: World): Promise<TcpServer> {
  const postgres = await world.postgres();
  const port = await findFreePort();
  const config = join(world.folder, 'pgbouncer.ini');
  const users = join(world.folder, 'users.txt');
  writeFileSync(users, `"${postgres.user}" "${postgres.password}"\n`);
  writeFileSync(
    config,
    `[databases]
postgres = host=127.0.0.1 port=${postgres.port} dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${world.options.poolSize}
max_client_conn = 12000
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
`,
  );
  chmodSync(world.folder, 0o755);
  const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const running = startProcess(findProgram('pgbouncer') ?? 'pgbouncer', ['-q', config], identity);
  await waitForPort(port, running);
  return { pid: running.pid, port, stop: () => running.stop() };
}

/** The usual WebSocket relay, in front of PgBouncer. */
export async function startWebsockify(world: World): Promise<TcpServer | undefined> {
  const pgbouncer = await world.pgbouncer();
  if (!pgbouncer) return undefined;
  const port = await findFreePort();
  const running = startProcess('websockify', [`127.0.0.1:${port}`, `127.0.0.1:${pgbouncer.port}`]);
  running.child.stdout?.resume();
  await waitForPort(port, running);
  return { pid: running.pid, port, stop: () => running.stop() };
}

/** What people write themselves: a Hono route around a node-postgres pool. */
export async function startSqlPeer(world: World): Promise<TcpServer> {
  const postgres = await world.postgres();
  return announced(world, 'hono-node-postgres.js', [postgres.url(), String(world.options.poolSize)]);
}

/** wsproxy's way of sending a result: frames of at most 1 KiB. It stands before our own TCP port. */
export async function startReframingRelay(world: World): Promise<TcpServer> {
  const { tcpPort } = await world.postern();
  return announced(world, 'reframing-relay.js', [String(tcpPort)]);
}

async function announced(world: World, file: string, args: readonly string[]): Promise<TcpServer> {
  const running: RunningProcess = startProcess(process.execPath, [join(world.options.dist, file), ...args]);
  const port = Number(await running.firstLine());
  return { pid: running.pid, port, stop: () => running.stop() };
}
