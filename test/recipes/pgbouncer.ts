import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort, type TestDatabase } from '@postern/testkit';

/** PgBouncer, the one program of this suite that npm does not bring: its path, where the machine has it. */
export const pgbouncerProgram: string | undefined = `${process.env.PATH}${delimiter}/usr/sbin`
  .split(delimiter)
  .map((folder) => join(folder, 'pgbouncer'))
  .find((path) => existsSync(path));

export interface PgBouncer {
  readonly url: string;
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode, with one server connection. */
export async function startPgBouncer(program: string, database: TestDatabase): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pgbouncer-'));
  const upstream = new URL(database.url);
  const port = await findFreePort();
  writeFileSync(join(folder, 'users.txt'), `"${database.user}" "${database.password}"\n`);
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]
${database.name} = host=127.0.0.1 port=${upstream.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = 1
`,
  );
  // It refuses to run as root.
  const nobody = 65534;
  chmodSync(folder, 0o755);
  const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const child = spawn(program, ['-q', config], { stdio: 'ignore', ...identity });
  const url = new URL(database.url);
  url.host = `127.0.0.1:${port}`;
  await untilListening(port, child);
  return {
    url: url.href,
    async stop() {
      const ended = new Promise((settle) => child.once('close', settle));
      child.kill('SIGTERM'); // does not wait for its clients
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) break;
    const isOpen = await new Promise<boolean>((settle) => {
      const socket = connect(port, '127.0.0.1', () => settle(true));
      socket.once('error', () => settle(false)).once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error('PgBouncer does not listen');
}
