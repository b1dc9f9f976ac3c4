import {
  BackendCode,
  createMessageReader,
  decodeParameterStatus,
  encodeParameterStatus,
  encodeQuery,
} from '@postern/wire';
import { expect, test } from 'vitest';
import { answerOn, createTestEngine, settle, type TestEngine } from './engine.fixture.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

/** What a new caller is told when it is greeted. */
async function greeted(
  { open }: TestEngine,
  startupParameters: ReadonlyMap<string, string> = new Map(),
): Promise<Map<string, string>> {
  const told = new Map<string, string>();
  const [stream, far] = createMemoryStreamPair();
  const reader = createMessageReader({
    maxMessageBytes: 1 << 20,
    onMessage(code, body) {
      if (code !== BackendCode.ParameterStatus) return;
      const { name, value } = decodeParameterStatus(body);
      told.set(name, value);
    },
  });
  far.onData = (bytes) => {
    reader.push(bytes);
    return false;
  };
  await open({ stream, startupParameters, greeting: true });
  await settle();
  return told;
}

test.each([[new Map()], [new Map([['application_name', 'a']])]])(
  'who is greeted by a standby is told when it was promoted meanwhile, start-up parameters %j',
  async (parameters) => {
    const test = createTestEngine();
    let isStandby = true;
    void (async () => {
      const connection = await test.postgres.nextConnection();
      await connection.accept({ parameters: { in_hot_standby: 'on' } });
      let isTold = false;
      const send = connection.send.bind(connection);
      // Postgres reports it in front of the next ReadyForQuery, not before.
      connection.send = (...bytes) => {
        if (!isStandby && !isTold) {
          isTold = true;
          send(encodeParameterStatus('in_hot_standby', 'off'));
        }
        send(...bytes);
      };
      answerOn(connection, () => undefined);
    })();
    expect((await greeted(test, parameters)).get('in_hot_standby')).toBe('on');
    expect((await greeted(test, parameters)).get('in_hot_standby')).toBe('on');
    isStandby = false;
    expect((await greeted(test, parameters)).get('in_hot_standby')).toBe('off');
    expect(test.postgres.connections).toHaveLength(1);
  },
);

test('who is greeted after Postgres came back as another is told what that one says', async () => {
  const test = createTestEngine();
  const first = greeted(test, new Map([['application_name', 'a']]));
  const old = await test.postgres.nextConnection();
  await old.accept({ parameters: { server_version: '15.1' } });
  answerOn(old, () => undefined);
  expect((await first).get('server_version')).toBe('15.1');
  old.stream.destroy();
  const caller = await test.open();
  await caller.send(encodeQuery('SELECT 1'));
  const next = await test.postgres.nextConnection();
  await next.accept({ parameters: { server_version: '18.4' } });
  answerOn(next, () => undefined);
  await settle();
  expect((await greeted(test, new Map([['application_name', 'a']]))).get('server_version')).toBe('18.4');
});
