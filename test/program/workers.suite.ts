import { connectStream, createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunningProgram, startProgram } from './running-program.ts';

// `--workers`: several processes that behave as one. Two are enough to be wrong in every way there is.

export function workersSuite(): void {
  let database: TestDatabase;
  let program: RunningProgram;
  const clients: pg.Client[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => {})));
    await program.stop('SIGTERM');
  });
  afterAll(() => database.drop());

  function serve(...args: string[]): Promise<{ http: string; tcp: string }> {
    const common = ['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0', '--log-format', 'json', '--workers', '2'];
    program = startProgram(['serve', ...common, ...args], { environment: { DATABASE_URL: database.url } });
    return program.listening();
  }

  async function caller(tcp: string, mode = 'pooled%3Dtrue'): Promise<pg.Client> {
    const url = new URL(database.url);
    const connectionString = `${url.href.replace(url.host, new URL(tcp).host)}?options=${mode}`;
    const client = new pg.Client({ connectionString });
    client.on('error', () => {});
    await client.connect();
    clients.push(client);
    return client;
  }

  const callers = (count: number, tcp: string): Promise<pg.Client[]> =>
    Promise.all(Array.from({ length: count }, () => caller(tcp)));

  async function sql(http: string, query: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${http}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': database.url, connection: 'close', ...headers },
      body: JSON.stringify({ query, params: [] }),
    });
  }

  const events = (): Record<string, unknown>[] =>
    program
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  /** By the processes that logged them. */
  const workersOf = (event: string): Set<unknown> =>
    new Set(
      events()
        .filter((line) => line.event === event)
        .map(({ worker }) => worker),
    );

  /** Server connections now, over a connection of our own. */
  function watch(): { most(): number; stop(): Promise<void> } {
    let most = 0;
    let isOver = false;
    const watching = (async () => {
      const monitor = new pg.Client({ connectionString: database.url });
      await monitor.connect();
      const others = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      while (!isOver) most = Math.max(most, (await monitor.query(others)).rows[0].n);
      await monitor.end();
    })();
    return {
      most: () => most,
      async stop() {
        isOver = true;
        await watching;
      },
    };
  }

  test('sixty callers of two workers, over TCP and HTTP, never have more than three server connections', async () => {
    const { http, tcp } = await serve('--pool-size', '3');
    const watching = watch();
    const clients = await callers(30, tcp);
    const query = 'SELECT pg_sleep(0.01), 7 AS n';
    const answers = await Promise.all([
      ...clients.map(async (client) => {
        let sum = 0;
        for (let i = 0; i < 5; i++) sum += (await client.query(query)).rows[0].n;
        return sum;
      }),
      ...Array.from({ length: 30 }, async () => {
        let sum = 0;
        for (let i = 0; i < 5; i++)
          sum += ((await (await sql(http, query)).json()) as { rows: { n: number }[] }).rows[0]!.n;
        return sum;
      }),
    ]);
    expect(answers).toEqual(Array.from({ length: 60 }, () => 35));
    await watching.stop();
    expect(watching.most()).toBeGreaterThan(1);
    expect(watching.most()).toBeLessThanOrEqual(3);
    expect(workersOf('session_started')).toEqual(new Set([1, 2]));
  });

  test('says where it listens once, and stops with 0 when a transaction is done', async () => {
    const { tcp } = await serve();
    const [client, other] = await callers(2, tcp);
    await client!.query('BEGIN');
    const exit = program.stop('SIGTERM');
    await program.printed('"stopping"');
    await expect
      .poll(() =>
        other!.query('SELECT 1').then(
          () => 'answered',
          () => 'ended',
        ),
      )
      .toBe('ended');
    await client!.query('COMMIT');
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(events().filter(({ event }) => event === 'listening')).toHaveLength(1);
    expect(events().filter(({ event }) => event === 'stopping')).toHaveLength(1);
    expect(program.stderr()).toBe('');
  });

  /** Over a connection of its own, as psql does it; resolves when the gateway has closed it. */
  async function cancel(
    tcp: string,
    { processID, secretKey }: { processID: number; secretKey: number },
  ): Promise<void> {
    const { hostname, port } = new URL(tcp);
    const stream = await connectStream(hostname, Number(port));
    const request = new DataView(new ArrayBuffer(16));
    [16, 80_877_102, processID, secretKey].forEach((word, i) => void request.setInt32(i * 4, word));
    await new Promise<void>((resolve) => {
      stream.onClose = () => resolve();
      stream.write(new Uint8Array(request.buffer));
    });
  }

  test.each([
    ['pooled', 'pooled%3Dtrue'],
    ['direct', 'pooled%3Dfalse'],
  ])('a cancel of a %s session reaches it, whichever worker the CancelRequest lands on', async (_, mode) => {
    const { tcp } = await serve();
    const sessions = await Promise.all([caller(tcp, mode), caller(tcp, mode), caller(tcp, mode)]);
    for (let i = 0; i < 12; i++) {
      const client = sessions[i % 3]! as pg.Client & { processID: number; secretKey: number };
      const outcome = client.query(`SELECT pg_sleep(20) /* ${i} */`).then(
        () => 'ran to its end',
        (error: { code: string }) => error.code,
      );
      await expect
        .poll(() =>
          database.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%sleep(20) /* ${i} */'`,
          ),
        )
        .toHaveLength(1);
      await cancel(tcp, client);
      expect(await outcome).toBe('57014');
    }
    // Both on the session's own worker and on the other.
    expect(workersOf('cancel_requested')).toEqual(new Set([1, 2]));
    expect(workersOf('session_started')).toEqual(new Set([1, 2]));
    expect((await sessions[0]!.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('an interactive transaction over HTTP goes on, whichever worker a request lands on', async () => {
    const { http } = await serve('--pool-size', '3');
    await database.query('CREATE TABLE travelled (n int)');
    const begun = await sql(http, 'INSERT INTO travelled VALUES (0)', { 'postern-transaction': 'begin' });
    const token = begun.headers.get('postern-transaction') ?? '';
    for (let n = 1; n <= 6; n++) {
      const answer = await sql(http, `INSERT INTO travelled VALUES (${n}) RETURNING n`, {
        'postern-transaction': token,
      });
      expect(await answer.json()).toMatchObject({ rows: [{ n }] });
      expect(answer.headers.get('postern-transaction')).toBe(token);
    }
    const failed = await sql(http, 'SELECT * FROM nowhere', { 'postern-transaction': token });
    expect([failed.status, failed.headers.get('postern-transaction-state')]).toEqual([400, 'failed']);
    expect(await failed.json()).toMatchObject({ code: '42P01' });
    const streams = await Promise.all(
      [0, 1].map(async () => {
        const { headers } = await sql(http, 'SELECT 1', { 'postern-transaction': 'begin' });
        return headers.get('postern-transaction') ?? '';
      }),
    ).then((tokens) =>
      Promise.all(
        tokens.map(async (other) => {
          const rows = 'SELECT n, repeat($$x$$, 1000) FROM generate_series(1, 5000) n';
          const streamed = await sql(http, rows, { 'postern-transaction': other, 'postern-stream': 'true' });
          return (await streamed.text()).length;
        }),
      ),
    );
    expect(streams[0]).toBeGreaterThan(5_000_000);
    expect(streams[1]).toBe(streams[0]);
    for (const end of ['rollback', 'commit']) {
      const again = await sql(http, 'SELECT 1', { 'postern-transaction': token, 'postern-transaction-end': end });
      if (end === 'commit') expect(await again.json()).toMatchObject({ gatewayCode: 'transaction_unknown' });
    }
    expect(await database.query('SELECT * FROM travelled')).toEqual([]);
  });

  test('a worker that is killed gives back what it held, the others go on, and it is replaced', async () => {
    const { tcp } = await serve('--pool-size', '2');
    const first = await callers(4, tcp);
    const backends = await Promise.all(
      first.map(async (client) => (client as pg.Client & { processID: number }).processID),
    );
    const victim = backends[0]! >>> 24;
    const [dying, living] = [0, 1].map((wanted) =>
      first.filter((_, i) => (backends[i]! >>> 24 === victim) === (wanted === 0)),
    ) as [pg.Client[], pg.Client[]];
    expect(living.length).toBeGreaterThan(1);
    // Both server connections are used by the worker that dies.
    await Promise.all(dying.map((client) => client.query('BEGIN')));
    const waiting = Promise.all(living.map((client) => client.query('SELECT pg_sleep(0.1), 1 AS n')));
    const pid = events().find(({ event, worker }) => event === 'worker_started' && worker === victim)?.pid;
    process.kill(Number(pid), 'SIGKILL');
    expect((await waiting).map(({ rows }) => rows[0].n)).toEqual(living.map(() => 1));
    await program.printed('"worker_exited"');
    await expect
      .poll(() => events().filter(({ event, worker }) => event === 'worker_started' && worker === victim).length, {
        timeout: 10_000,
      })
      .toBe(2);
    const later = await callers(4, tcp);
    const workers = later.map((client) => (client as pg.Client & { processID: number }).processID >>> 24);
    expect(new Set(workers)).toEqual(new Set([1, 2]));
    expect(
      (await Promise.all(later.map((client) => client.query('SELECT 1 AS n')))).flatMap(({ rows }) => rows),
    ).toEqual(later.map(() => ({ n: 1 })));
  });
}
