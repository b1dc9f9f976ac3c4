import type { ScriptedConnection } from '@postern/testkit';
import {
  encodeBind,
  encodeBindComplete,
  encodeCommandComplete,
  encodeDescribe,
  encodeExecute,
  encodeNoData,
  encodeParameterDescription,
  encodeParse,
  encodeParseComplete,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeSync,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { createTestEngine, failure, settle, type TestCaller } from './engine.fixture.ts';
import { noRows, shapeOf } from './result-shape.ts';

describe('the shape of a result', () => {
  const column = { name: 'n', dataTypeID: 23 };
  const shape = shapeOf(encodeRowDescription([column]), 0);

  test.each([
    ['another name', [{ ...column, name: 'm' }]],
    ['another type', [{ ...column, dataTypeID: 25 }]],
    ['another modifier', [{ ...column, dataTypeModifier: 4 }]],
    ['more columns', [column, column]],
    ['no column', []],
  ])('is another with %s', (_, columns) => {
    expect(shapeOf(encodeRowDescription(columns), 0)).not.toBe(shape);
  });

  test('is the same wherever the columns come from, and in whichever format', () => {
    const moved = encodeRowDescription([{ ...column, tableID: 16_384, columnID: 2, format: 'binary' }]);
    expect(shapeOf(moved, 0)).toBe(shape);
  });

  test('is none without rows', () => {
    expect(shapeOf(encodeNoData(), 0)).toBe(noRows);
  });
});

const int4 = [encodeParameterDescription([]), encodeRowDescription([{ name: 'n', dataTypeID: 23 }])];
const float4 = [encodeParameterDescription([]), encodeRowDescription([{ name: 'n', dataTypeID: 700 }])];
const ready = encodeReadyForQuery('I');
const answer = [encodeBindComplete(), encodeCommandComplete('SELECT 0'), ready];
const answered = ['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I'];

/** A caller that was told of an int4, and a new connection that lacks the statement. */
async function onAnother(): Promise<{ a: TestCaller; next(...messages: Uint8Array[]): Promise<ScriptedConnection> }> {
  const { postgres, open } = createTestEngine({ limits: { serverLifetimeMs: -1 } });
  const a = await open();
  async function next(...messages: Uint8Array[]): Promise<ScriptedConnection> {
    await a.send(...messages);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await settle();
    return connection;
  }
  const first = await next(encodeParse('s', 'SELECT * FROM t'), encodeDescribe('S', 's'), encodeSync());
  first.send(encodeParseComplete(), ...int4, ready);
  await settle();
  a.heard();
  return { a, next };
}

describe('a described statement on a connection that lacks it', () => {
  test('is executed once Postgres has said that its rows look as the caller was told', async () => {
    const { a, next } = await onAnother();
    const connection = await next(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
    expect(connection.pending()).toBe('PDH');
    connection.send(encodeParseComplete(), ...int4);
    await settle();
    expect(connection.pending()).toBe('PDHBES');
    connection.send(...answer);
    await settle();
    expect(a.heard()).toEqual(answered);
  });

  test('is refused if they do not', async () => {
    const { a, next } = await onAnother();
    const connection = await next(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
    connection.send(encodeParseComplete(), ...float4);
    await settle();
    // A Bind that fails.
    expect(connection.pending()).toBe('PDHBES');
    connection.send(failure('26000', 'prepared statement "_postern_none" does not exist'), ready);
    await settle();
    expect(a.heard()).toEqual(['ERROR 0A000 cached plan must not change result type', 'ReadyForQuery I']);
  });

  test('is not waited for where the caller asks itself', async () => {
    const { a, next } = await onAnother();
    const segment = [encodeBind({ statement: 's' }), encodeDescribe('P', ''), encodeExecute(), encodeSync()];
    const connection = await next(...segment);
    expect(connection.pending()).toBe('PBDES');
    connection.send(encodeParseComplete(), encodeBindComplete(), float4[1]!, ...answer.slice(1));
    await settle();
    expect(a.heard()).toEqual(['BindComplete', 'RowDescription', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
    // Told so, it goes by that.
    const other = await next(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
    other.send(encodeParseComplete(), ...float4);
    await settle();
    other.send(...answer);
    await settle();
    expect(a.heard()).toEqual(answered);
  });
});
