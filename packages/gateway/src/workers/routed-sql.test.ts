import { passwordAuthenticationFailed, posternHeader } from '@postern/contract';
import { expect, test } from 'vitest';
import { answer } from '../http/sql-client.fixture.ts';
import type { SqlHttpRequest } from '../http/sql-handler.ts';
import type { ForwardedRequest } from './forward-request.ts';
import { createRoutedSqlHandler } from './routed-sql.ts';
import { markTokenBytes } from './worker-tokens.ts';

const tokenOf = (worker: number): string =>
  Buffer.from(markTokenBytes(new Uint8Array(32).fill(7), worker)).toString('base64url');

function setUp(isKnown: boolean) {
  const forwarded: [number, ForwardedRequest][] = [];
  let bodiesRead = 0;
  const handler = createRoutedSqlHandler({
    ...{ worker: 1, workers: 3 },
    handler: (_request, respond) => respond({ status: 200, headers: {}, body: Buffer.from('here') }),
    checkCaller: async () => {
      if (!isKnown) throw passwordAuthenticationFailed('u');
    },
    forward: async (worker, request) => {
      forwarded.push([worker, request]);
      return { status: 200, headers: {}, body: Buffer.from(`worker ${worker}`) };
    },
  });
  async function call(token: string): Promise<string> {
    const headers: Record<string, string> = { [posternHeader.transaction]: token, cookie: 'not for others' };
    const request: SqlHttpRequest = {
      header: (name) => headers[name],
      readBody() {
        bodiesRead++;
        return Buffer.from('{}');
      },
      isAborted: false,
      onAbort: () => {},
      remoteAddress: '192.0.2.1',
      security: 'tls',
    };
    const { body } = await answer(handler, request);
    return Buffer.from(body as Uint8Array).toString();
  }
  return { call, forwarded, bodiesRead: () => bodiesRead };
}

test('a transaction is answered by the worker that has it; one that nobody can have, here', async () => {
  const { call, forwarded } = setUp(true);
  const tokens = ['begin', tokenOf(1), tokenOf(2), tokenOf(3), tokenOf(4), tokenOf(0)];
  expect(await Promise.all(tokens.map(call))).toEqual(['here', 'here', 'worker 2', 'worker 3', 'here', 'here']);
  expect(forwarded[0]?.[1]).toMatchObject({
    ...{ path: '/sql', headers: { [posternHeader.transaction]: tokenOf(2) }, remoteAddress: '192.0.2.1' },
  });
});

test('what a stranger sends is neither read nor passed on', async () => {
  const { call, forwarded, bodiesRead } = setUp(false);
  expect(await call(tokenOf(2))).toContain('"code":"28P01"');
  expect([forwarded.length, bodiesRead()]).toEqual([0, 0]);
});
