import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from './running-program.ts';

export function commandLineSuite(): void {
  const url = 'postgres://u:hunter2@127.0.0.1:1/d';

  test('says what it can do and which version it is', async () => {
    const help = await runProgram(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/dev .*\n[\s\S]*serve /);
    expect((await runProgram([])).stdout).toBe(help.stdout);
    expect((await runProgram(['serve', '--help'])).stdout).toContain('--database-url <url>');
    expect(await runProgram(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  describe('a wrong command line is one clear line and exit code 2', () => {
    test.each([
      [['sevre'], "unknown command 'sevre' (Did you mean serve?)"],
      [['serve', '--htpp', 'x'], "unknown option '--htpp' (Did you mean --http?)"],
      [['serve', '--http'], "option '--http <host:port>' argument missing"],
      [['serve'], 'no database to serve: give --database-url'],
      [['serve', '--database-url', 'mysql://u:hunter2@h/d'], '--database-url: expected postgres://'],
      [['serve', '--database-url', url, '--tcp', 'nowhere'], '--tcp: expected HOST:PORT'],
      [['serve', '--database-url', url, '--pool-size', '0'], '--pool-size: expected a whole number from 1 to 10000'],
      [['serve', '--database-url', url, '--pool-size', '2.5'], '--pool-size: expected a whole number from 1 to 10000'],
      [['serve', '--database-url', url, '--workers', 'many'], '--workers: expected a whole number from 1 to 127'],
      [['serve', url], 'Expected 0 arguments but got 1; see postern serve --help'],
      [['dev', '--data-dir', ''], '--data-dir: expected a folder'],
      [
        ['serve', '--database-url', 'postgres://u:1/hunter2@h/d'],
        '--database-url: the database URL has an @ behind its host',
      ],
      [['serve', '--database-url', 'postgres://u:hunter2@h:x/d'], '--database-url: the database URL is not a URL'],
      [['serve', '--database-url', url, '--log-format', 'xml'], '--log-format: expected one of "pretty"|"json"'],
      [['serve', '--database-url', url, '--shutdown-grace', '10'], '--shutdown-grace: expected a time with its unit'],
      [['serve', '--database-url', url, '--tls-cert', 'x.pem'], '--tls-cert is set, but tls.key is not'],
      [['serve', '--database-url', url, '--tls-cert', 'x.pem', '--tls-key', 'x.pem'], 'tls.cert: ENOENT'],
      [['serve', '--database-url', `${url}?sslmode=maybe`], '--database-url: the database URL has sslmode=maybe'],
      [['dev', '--config', 'nothing.json'], 'cannot read the configuration nothing.json'],
    ])('postern %j', async (args, message) => {
      const { code, stdout, stderr } = await runProgram(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^postern: .*\n$/);
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('hunter2');
    });
  });

  describe('a taken port', () => {
    let taken: Server;
    let port: number;
    beforeAll(async () => {
      taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      port = (taken.address() as { port: number }).port;
    });
    afterAll(() => taken.close());

    test.each(['http', 'tcp'])('is named, and how to choose another: --%s', async (name) => {
      const other = name === 'http' ? 'tcp' : 'http';
      const args = ['serve', '--database-url', url, `--${name}`, `127.0.0.1:${port}`, `--${other}`, '127.0.0.1:0'];
      const { code, stdout, stderr } = await runProgram(args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`postern: port ${port} is in use already`);
      expect(stderr).toContain(`choose another with --${name} HOST:PORT`);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    });
  });
}
