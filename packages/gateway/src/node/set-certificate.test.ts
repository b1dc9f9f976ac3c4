import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { encodeSslRequest } from '@postern/wire';
import { afterEach, expect, test } from 'vitest';
import { renewedCertificate, testCertificate } from './certificate.fixture.ts';
import { type RunningGateway, startGateway } from './server.ts';

let gateway: RunningGateway;

afterEach(() => gateway.close(0));

async function open(tls: typeof testCertificate | undefined): Promise<RunningGateway> {
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: 'postgres://u:p@127.0.0.1:1/d' }],
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    tls,
    log: () => {},
  });
  return gateway;
}

/** Who the other side says it is; the connection stays open. */
function shakeHands(open: () => TLSSocket): Promise<{ name: unknown; socket: TLSSocket }> {
  return new Promise((resolve, reject) => {
    const socket = open();
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve({ name: socket.getPeerCertificate().subject.CN, socket }));
  });
}

const trusting = { rejectUnauthorized: false } as const;
const https = () => shakeHands(() => connect({ ...trusting, port: gateway.httpAddress.port, host: '127.0.0.1' }));

async function postgres(): Promise<{ name: unknown; socket: TLSSocket }> {
  const plain = connectPlain({ port: gateway.tcpAddress?.port ?? 0, host: '127.0.0.1' });
  plain.write(encodeSslRequest());
  const answer = await new Promise<Buffer>((resolve) => plain.once('data', resolve));
  expect(answer.toString()).toBe('S');
  return shakeHands(() => connect({ ...trusting, socket: plain, ALPNProtocols: ['postgresql'] }));
}

test('a renewed certificate is shown from now on, and open connections stay', async () => {
  await open(testCertificate);
  const before = [await https(), await postgres()];
  expect(before.map(({ name }) => name)).toEqual(['localhost', 'localhost']);
  gateway.setCertificate(renewedCertificate);
  const after = [await https(), await postgres()];
  expect(after.map(({ name }) => name)).toEqual(['renewed', 'renewed']);
  expect(before.map(({ socket }) => socket.readyState)).toEqual(['open', 'open']);
  for (const { socket } of [...before, ...after]) socket.destroy();
});

test('one that is no usable pair is refused, and so is any where TLS is off', async () => {
  await open(testCertificate);
  expect(() => gateway.setCertificate({ ...testCertificate, key: renewedCertificate.key })).toThrow(
    /key values mismatch/i,
  );
  const { name, socket } = await https();
  expect(name).toBe('localhost');
  socket.destroy();
  await gateway.close(0);
  await open(undefined);
  expect(() => gateway.setCertificate(testCertificate)).toThrow('TLS is off; to turn it on takes a restart');
});
