import { GatewayError, passwordAuthenticationFailed } from '@postern/contract';
import type { Clock } from '@postern/pool';
import { createFakeClock } from '@postern/testkit';
import {
  encodeBindComplete,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyInResponse,
  encodeCopyOutResponse,
  encodeEmptyQueryResponse,
  encodeErrorResponse,
  encodeNoData,
  encodeNoticeResponse,
  encodeNotificationResponse,
  encodeParameterStatus,
  encodeParseComplete,
  ProtocolError,
} from '@postern/wire';
import { describe, expect, test, vi } from 'vitest';
import {
  commandMessages,
  createScriptedBackend,
  ready,
  readyFailed,
  resultMessages,
  type Script,
} from './scripted-backend.fixture.ts';
import { answer, callSql, createTestSqlHandler, rawArrays } from './sql-client.fixture.ts';
import type { SqlEvent } from './sql-event.ts';
import type { SqlHandlerOptions } from './sql-handler.ts';

type Limits = Pick<SqlHandlerOptions<never>, 'maxRequestBytes' | 'maxResponseBytes' | 'log'> & { clock?: Clock };

function setUp(script: Script = {}, limits: Limits = {}) {
  const backend = createScriptedBackend(script);
  const handler = createTestSqlHandler({ backend, ...limits });
  return { backend, call: (request?: Parameters<typeof callSql>[1]) => callSql(handler, request) };
}

const textCopy = { format: 'text', columnFormats: [0] } as const;
const int4 = 23;
const text = 25;
const oneRow = [...resultMessages([['n', int4]], [['1']]), ready];
const nothing = { pieceBytes: undefined };

const errorKeys = [
  'message',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
];

/** Errors of the gateway's own have a name too. */
const ownErrorKeys = [...errorKeys, 'gatewayCode'];

describe('a single statement', () => {
  test.each([nothing, { pieceBytes: 1 }, { pieceBytes: 7 }])(
    'is one segment and one result (%j)',
    async ({ pieceBytes }) => {
      const { backend, call } = setUp({ answers: [oneRow], ...(pieceBytes === undefined ? {} : { pieceBytes }) });
      const reply = await call({ body: { query: 'select $1::int as n', params: ['1', null] } });
      expect(reply.status).toBe(200);
      expect(reply.text).toBe(
        '{"fields":[{"name":"n","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}],' +
          '"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}',
      );
      expect(backend.segments).toEqual([{ sql: ['select $1::int as n'], parameters: [['1', null]], codes: 'PBDES' }]);
      expect(backend.closed).toBe(1);
    },
  );

  test('headers of the response', async () => {
    const { call } = setUp({ answers: [oneRow] });
    const { headers } = await call();
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'access-control-allow-origin': '*' });
    expect(headers['neon-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  const row = [
    ...resultMessages(
      [
        ['n', int4],
        ['s', text],
        ['n', text],
      ],
      [['1', 'a', null]],
    ),
    ready,
  ];
  test.each([
    [{}, undefined, '[{"n":1,"s":"a","n":null}]', false],
    [{ 'neon-raw-text-output': 'true' }, undefined, '[{"n":"1","s":"a","n":null}]', false],
    [{ 'neon-array-mode': 'true' }, undefined, '[[1,"a",null]]', true],
    [rawArrays, undefined, '[["1","a",null]]', true],
    [rawArrays, false, '[{"n":"1","s":"a","n":null}]', false],
    [{}, true, '[[1,"a",null]]', true],
    [{ 'neon-array-mode': 'True', 'neon-raw-text-output': '1' }, undefined, '[{"n":1,"s":"a","n":null}]', false],
  ])('row shape for %j and arrayMode %s', async (headers, arrayMode, rows, rowAsArray) => {
    const { call } = setUp({ answers: [row] });
    const reply = await call({ headers: headers as Record<string, string>, body: { query: 'q', arrayMode } });
    expect(reply.text).toContain(`"rows":${rows},`);
    expect(reply.json.rowAsArray).toBe(rowAsArray);
  });

  test.each([
    ['SELECT 0', 'SELECT', 0],
    ['INSERT 0 5', 'INSERT', 5],
    ['UPDATE 5', 'UPDATE', 5],
    ['MERGE 2', 'MERGE', 2],
    ['CREATE TABLE', 'CREATE', null],
    ['BEGIN', 'BEGIN', null],
    ['SET', 'SET', null],
  ])('tag %j', async (tag, command, rowCount) => {
    const { call } = setUp({ answers: [[...commandMessages(tag), ready]] });
    expect((await call()).json).toEqual({ fields: [], rows: [], command, rowCount, rowAsArray: true });
  });

  test('an empty statement', async () => {
    const answer = [encodeParseComplete(), encodeBindComplete(), encodeNoData(), encodeEmptyQueryResponse(), ready];
    const { call } = setUp({ answers: [answer] });
    expect((await call()).json).toEqual({ fields: [], rows: [], command: '', rowCount: null, rowAsArray: true });
  });

  test('no columns at all', async () => {
    const { call } = setUp({
      answers: [
        [...resultMessages([], [[], []]), ready],
        [...resultMessages([], [[]]), ready],
      ],
    });
    expect((await call()).json.rows).toEqual([[], []]);
    expect((await call({ headers: {} })).json.rows).toEqual([{}]);
  });

  test('notices, notifications and parameters are dropped', async () => {
    const aside = [
      encodeNoticeResponse({ severity: 'NOTICE', code: '00000', message: 'x' }),
      encodeParameterStatus('TimeZone', 'UTC'),
      encodeNotificationResponse(1, 'c', 'p'),
    ];
    const { call } = setUp({ answers: [[...aside, ...oneRow.slice(0, 3), ...aside, ...oneRow.slice(3)]] });
    expect((await call()).json.rows).toEqual([['1']]);
  });
});

describe('a batch', () => {
  const answer = [
    ...commandMessages('BEGIN'),
    ...resultMessages([['n', int4]], [['1']]),
    ...commandMessages('UPDATE 2'),
    ...commandMessages('COMMIT'),
    ready,
  ];
  const queries = [
    { query: 'a', params: ['x'] },
    { query: 'b', arrayMode: false },
  ];

  test('is one segment with one Sync', async () => {
    const { backend, call } = setUp({ answers: [answer] });
    const reply = await call({ body: { queries } });
    expect(reply.json).toEqual({
      results: [
        expect.objectContaining({ rows: [['1']], command: 'SELECT', rowAsArray: true }),
        { fields: [], rows: [], command: 'UPDATE', rowCount: 2, rowAsArray: false },
      ],
    });
    expect(backend.segments).toEqual([
      { sql: ['BEGIN', 'a', 'b', 'COMMIT'], parameters: [[], ['x'], [], []], codes: 'PBEPBDEPBDEPBES' },
    ]);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('neon-batch'))).toEqual([]);
  });

  test.each<[Record<string, string>, string, Record<string, string>]>([
    [
      { 'neon-batch-isolation-level': 'Serializable' },
      'BEGIN ISOLATION LEVEL SERIALIZABLE',
      { 'neon-batch-isolation-level': 'Serializable' },
    ],
    [{ 'neon-batch-read-only': 'true' }, 'BEGIN READ ONLY', { 'neon-batch-read-only': 'true' }],
    [{ 'neon-batch-read-only': 'false', 'neon-batch-deferrable': 'false' }, 'BEGIN', {}],
    [
      {
        'neon-batch-isolation-level': 'RepeatableRead',
        'neon-batch-read-only': 'true',
        'neon-batch-deferrable': 'true',
      },
      'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY, DEFERRABLE',
      {
        'neon-batch-isolation-level': 'RepeatableRead',
        'neon-batch-read-only': 'true',
        'neon-batch-deferrable': 'true',
      },
    ],
  ])('%j', async (headers, begin, echoed) => {
    const { backend, call } = setUp({ answers: [answer] });
    const reply = await call({ headers: { ...rawArrays, ...headers }, body: { queries } });
    expect(backend.segments[0]?.sql[0]).toBe(begin);
    const batchHeaders = Object.entries(reply.headers).filter(([name]) => name.startsWith('neon-batch'));
    expect(Object.fromEntries(batchHeaders)).toEqual(echoed);
  });

  test('an empty batch needs no session', async () => {
    const { backend, call } = setUp();
    expect((await call({ body: { queries: [] } })).text).toBe('{"results":[]}');
    expect(backend.sessions).toEqual([]);
  });

  test('a failed statement is the whole answer, with its index; the transaction is rolled back first', async () => {
    const failed = [
      ...commandMessages('BEGIN'),
      ...commandMessages('UPDATE 1'),
      encodeErrorResponse({ severity: 'ERROR', code: '22012', message: 'division by zero' }),
      readyFailed,
    ];
    const { backend, call } = setUp({ answers: [failed, [...commandMessages('ROLLBACK'), ready]] });
    const reply = await call({ body: { queries } });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ code: '22012', message: 'division by zero', statementIndex: 1 });
    expect(Object.keys(reply.json)).toEqual([...errorKeys, 'statementIndex']);
    expect(backend.segments[1]).toEqual({ sql: ['ROLLBACK'], parameters: [], codes: 'Q' });
    expect(backend.closed).toBe(1);
  });

  test('a failed COMMIT blames no statement and needs no ROLLBACK', async () => {
    const failed = [
      ...answer.slice(0, -5),
      encodeParseComplete(),
      encodeBindComplete(),
      encodeErrorResponse({ severity: 'ERROR', code: '23503', message: 'deferred' }),
      ready,
    ];
    const { backend, call } = setUp({ answers: [failed] });
    const reply = await call({ body: { queries } });
    expect(reply.json).toMatchObject({ code: '23503' });
    expect(Object.keys(reply.json)).toEqual(errorKeys);
    expect(backend.segments).toHaveLength(1);
  });

  test('hundreds of statements with large parameters', async () => {
    const count = 500;
    const many = Array.from({ length: count }, (_, index) => ({ query: `q${index}`, params: ['x'.repeat(1000)] }));
    const answers = [
      [...commandMessages('BEGIN'), ...many.flatMap(() => commandMessages('SET')), ...commandMessages('COMMIT'), ready],
    ];
    const { backend, call } = setUp({ answers });
    const reply = await call({ body: { queries: many } });
    expect(reply.json.results).toHaveLength(count);
    expect(backend.segments[0]?.sql).toHaveLength(count + 2);
  });
});

describe('errors of Postgres', () => {
  test('keep all their fields, in Neon’s order', async () => {
    const fields = {
      severity: 'FEHLER',
      code: '42703',
      message: 'm',
      detail: 'd',
      hint: 'h',
      position: '8',
      internalPosition: '1',
      internalQuery: 'iq',
      where: 'w',
      schema: 's',
      table: 't',
      column: 'c',
      dataType: 'dt',
      constraint: 'n',
      file: 'f',
      line: '3650',
      routine: 'r',
    };
    const { call } = setUp({ answers: [[encodeErrorResponse(fields), ready]] });
    const reply = await call();
    expect(reply.status).toBe(400);
    expect(reply.json).toEqual(fields);
    expect(Object.keys(reply.json)).toEqual(errorKeys);
    expect(reply.headers).toMatchObject({ 'content-type': 'application/json', 'access-control-allow-origin': '*' });
  });

  test('absent fields are null', async () => {
    const { call } = setUp({
      answers: [[encodeErrorResponse({ severity: 'ERROR', code: '42601', message: 'm' }), ready]],
    });
    const { json } = await call();
    expect(Object.values(json).filter((value) => value === null)).toHaveLength(14);
  });

  test('an error behind rows replaces them', async () => {
    const late = [
      ...resultMessages([['n', int4]], [['1'], ['2']]).slice(0, -1),
      encodeErrorResponse({ severity: 'ERROR', code: '22012', message: 'division by zero' }),
      ready,
    ];
    const { call } = setUp({ answers: [late] });
    expect((await call()).json).toMatchObject({ code: '22012' });
  });

  test('the first one counts, also when the session ends instead of becoming ready', async () => {
    const fatal = encodeErrorResponse({ severity: 'FATAL', code: '57P01', message: 'terminating connection' });
    const { backend, call } = setUp({ answers: [[fatal]] });
    const reply = call();
    await vi.waitFor(() => expect(backend.segments).toHaveLength(1));
    setImmediate(() => backend.stream?.end());
    expect((await reply).json).toMatchObject({ code: '57P01', severity: 'FATAL' });
  });
});

describe('a text that comes again goes by a name', () => {
  const refused = (code: string) => [encodeErrorResponse({ severity: 'ERROR', code, message: 'no' }), ready];

  function setUpKept(answers: NonNullable<Script['answers']>) {
    const { backend, call } = setUp({ answers });
    const { openSession } = backend;
    backend.openSession = (...session) => {
      openSession(...session);
      return { isSpare: false, isUntouched: true };
    };
    return { backend, call };
  }

  test.each(['42804', '08P01'])(
    'and once more without, where that may be the reason of the refusal (%s)',
    async (code) => {
      const { backend, call } = setUpKept([oneRow, refused(code), oneRow]);
      await call();
      expect((await call()).status).toBe(200);
      expect(backend.segments).toHaveLength(3);
    },
  );

  test.each(['08001', '53300', '55P03', '57014'])('but not where it waited in vain (%s)', async (code) => {
    const { backend, call } = setUpKept([oneRow, refused(code), oneRow]);
    await call();
    expect((await call()).json).toMatchObject({ code });
    expect(backend.segments).toHaveLength(2);
  });
});

describe('what one request cannot do', () => {
  const message = 'COPY and replication are not supported over HTTP';

  test.each([
    'COPY t TO STDOUT',
    'copy t from stdin',
    " -- x\n/* y */ Copy (SELECT ';') to\n stdin",
    '\uFEFF\ncopy t to stdout',
  ])('COPY is not even sent: %j', async (query) => {
    const { backend, call } = setUp();
    expect(await call({ body: { query } })).toMatchObject({ status: 400, json: { code: '0A000', message } });
    const batch = await call({ body: { queries: [{ query: 'INSERT' }, { query }] } });
    expect(batch.json).toMatchObject({ code: '0A000', message, statementIndex: 1 });
    expect(backend.sessions).toEqual([]);
  });

  test.each(["COPY t FROM '/file'", 'SELECT 1 AS copy', 'copyright', "-- copy\nSELECT 'to stdout'"])(
    '%j is not such a COPY',
    async (query) => {
      const { call } = setUp({ answers: [oneRow] });
      expect((await call({ body: { query } })).status).toBe(200);
    },
  );

  const toCopy = [encodeParseComplete(), encodeBindComplete(), encodeNoData()];
  const hidden = '/* /* */ */ COPY';

  test('COPY from the caller ends the session, and so does nothing', async () => {
    const { backend, call } = setUp({ answers: [[...toCopy, encodeCopyInResponse(textCopy)]] });
    expect(await call({ body: { query: hidden } })).toMatchObject({ status: 400, json: { code: '0A000', message } });
    expect(backend.closed).toBe(1);
  });

  test('COPY to the caller: what is sent with it is committed, and that is said', async () => {
    const copied = [...toCopy, encodeCopyOutResponse(textCopy), encodeCopyData(Uint8Array.of(0x31)), encodeCopyDone()];
    const { call } = setUp({
      answers: [
        [...commandMessages('BEGIN'), ...copied, encodeCommandComplete('COPY 1'), ...commandMessages('COMMIT'), ready],
      ],
    });
    expect(await call({ body: { queries: [{ query: hidden }] } })).toMatchObject({
      ...{ status: 400, json: { code: '0A000', message: `${message}; what the request did was committed` } },
    });
  });

  test('replication', async () => {
    const { call } = setUp();
    expect((await call({ url: 'postgres://u:p@h/d?replication=database' })).json.code).toBe('0A000');
    const { call: callOff } = setUp({ answers: [oneRow] });
    expect((await callOff({ url: 'postgres://u:p@h/d?replication=false' })).status).toBe(200);
  });

  test('another client_encoding', async () => {
    const { call } = setUp();
    expect((await call({ url: 'postgres://u:p@h/d?client_encoding=latin1' })).json).toMatchObject({
      code: '22023',
      message: 'connection option "client_encoding" can only be UTF8 over HTTP',
    });
  });

  test('a value that is not UTF-8', async () => {
    const { backend, call } = setUp({
      answers: [
        [...oneRow.slice(0, 3), new Uint8Array([0x44, 0, 0, 0, 11, 0, 1, 0, 0, 0, 1, 0xe9]), ...oneRow.slice(-2)],
      ],
    });
    const reply = await call();
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({
      code: '22021',
      message: 'a value of the result is not valid UTF-8; what the request did was committed',
    });
    expect(backend.closed).toBe(1);
  });
});

describe('sessions that fail', () => {
  test('lost without a word', async () => {
    const { backend, call } = setUp({ answers: [undefined] });
    const reply = call();
    await vi.waitFor(() => expect(backend.segments).toHaveLength(1));
    backend.stream?.end();
    expect((await reply).json).toMatchObject({
      code: '08006',
      message: 'the session ended before the statement was answered',
    });
  });

  test("lost with the engine's reason", async () => {
    const { backend, call } = setUp({ answers: [undefined] });
    const reply = call();
    await vi.waitFor(() => expect(backend.segments).toHaveLength(1));
    backend.stream?.destroy(Object.assign(new Error('gone'), { kind: 'pool', code: 'shutting_down' }));
    expect((await reply).json).toMatchObject({ code: '57P01', message: 'gone' });
  });

  test.each<[string, Uint8Array[]]>([
    ['garbage', [new Uint8Array([0x44, 0, 0, 0, 3])]],
    ['ready too early', [ready]],
    ['a row without a description', [encodeParseComplete(), new Uint8Array([0x44, 0, 0, 0, 6, 0, 0])]],
    ['a row with too many columns', [...oneRow.slice(0, 3), new Uint8Array([0x44, 0, 0, 0, 6, 0, 2])]],
    ['a value longer than its row', [...oneRow.slice(0, 3), new Uint8Array([0x44, 0, 0, 0, 11, 0, 1, 0, 0, 0, 9, 1])]],
  ])('%s', async (_, answer) => {
    const { backend, call } = setUp({ answers: [answer] });
    const reply = await call();
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({
      code: '08P01',
      message: 'could not parse postgres response; what the request did may have been committed',
    });
    expect(backend.closed).toBe(1);
  });

  test('a session that cannot be opened', async () => {
    const backend = createScriptedBackend();
    backend.openSession = () => {
      throw new GatewayError('too_many_sessions', 'full');
    };
    expect((await callSql(createTestSqlHandler({ backend }))).json).toMatchObject({ code: '53300', message: 'full' });
  });
});

describe('authentication', () => {
  test('gets everything the caller said, without waiting for the body', async () => {
    const { backend, call } = setUp({ answers: [oneRow] });
    await call({
      url: 'postgres://u:p@EP-1.example:6543/d?connection_limit=3&application_name=a&schema=s&sslmode=require',
    });
    expect(backend.credentials).toEqual([
      {
        ...{ host: 'ep-1.example', port: 6543, user: 'u', password: 'p', bearerToken: undefined, database: 'd' },
        ...{ options: { connectionLimit: 3 }, remoteAddress: undefined, security: 'loopback' },
        source: expect.any(Object),
      },
    ]);
    expect(backend.sessions).toEqual([
      {
        options: { connectionLimit: 3 },
        startupParameters: new Map([
          ['search_path', '"s", public'],
          ['application_name', 'a'],
          ['client_encoding', 'UTF8'],
        ]),
      },
    ]);
  });

  test('runs while the body arrives', async () => {
    const backend = createScriptedBackend({ answers: [oneRow] });
    const body = deferred<Uint8Array>();
    const handler = createTestSqlHandler({ backend });
    const reply = answer(handler, {
      header: (name) => ({ 'neon-connection-string': 'postgres://u:p@h/d' })[name],
      readBody: () => body.promise,
      isAborted: false,
      onAbort: () => {},
      remoteAddress: '1.2.3.4',
      security: 'tls',
    });
    await vi.waitFor(() => expect(backend.credentials).toHaveLength(1));
    expect(backend.sessions).toHaveLength(0);
    body.resolve(new TextEncoder().encode('{"query":"select 1"}'));
    expect((await reply).status).toBe(200);
    expect(backend.credentials[0]?.remoteAddress).toBe('1.2.3.4');
  });

  test('comes before the body: what a stranger sends is not gathered', async () => {
    const handler = createTestSqlHandler({ backend: createScriptedBackend() });
    let isRead = false;
    const reply = await answer(handler, {
      header: (name) => ({ 'neon-connection-string': 'postgres://u:wrong@h/d' })[name],
      readBody: () => {
        isRead = true;
        return new TextEncoder().encode('{');
      },
      isAborted: false,
      onAbort: () => {},
      remoteAddress: '1.2.3.4',
      security: 'tls',
    });
    expect(new TextDecoder().decode(reply.body as Uint8Array)).toContain('28P01');
    expect(isRead).toBe(false);
  });

  test('a wrong password', async () => {
    const { backend, call } = setUp();
    const reply = await call({ url: 'postgres://u:wrong@h/d' });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({
      code: '28P01',
      severity: 'FATAL',
      message: 'password authentication failed for user "u"',
    });
    expect(Object.keys(reply.json)).toEqual(ownErrorKeys);
    expect(backend.sessions).toEqual([]);
  });

  test('no password, no token', async () => {
    const { backend, call } = setUp();
    expect((await call({ url: 'postgres://u@h/d' })).json.message).toBe(
      'missing authentication credentials: required password',
    );
    expect(backend.credentials).toEqual([]);
  });

  test('a token instead of a password', async () => {
    const { backend, call } = setUp({
      answers: [oneRow],
      authenticate: async () => ({ databaseKey: '', callerKey: '' }),
    });
    const reply = await call({ url: 'postgres://u@h/d', headers: { authorization: 'Bearer abc.def' } });
    expect(reply.status).toBe(200);
    expect(backend.credentials[0]).toMatchObject({ password: undefined, bearerToken: 'abc.def' });
    expect((await call({ headers: { authorization: 'Basic abc' } })).json.message).toBe(
      'missing authentication credentials: required authorization bearer token in JWT format',
    );
  });

  test.each<[unknown, number, object, boolean]>([
    [
      new GatewayError('connect_timeout', 'no'),
      400,
      { code: '08001', message: 'no', gatewayCode: 'connect_timeout', safeToRetry: true },
      true,
    ],
    [
      Object.assign(new Error('full'), { kind: 'pool', code: 'pool_timeout', hint: 'h' }),
      400,
      { code: '53300', message: 'full', hint: 'h' },
      true,
    ],
    [new Error('secret'), 500, { code: 'XX000', message: 'internal error of the gateway' }, false],
    [new ProtocolError('secret'), 400, { code: '08P01', message: 'could not parse postgres response' }, false],
    [
      passwordAuthenticationFailed('u', { code: 'endpoint_unknown', detail: 'secret' }),
      400,
      { code: '28P01', gatewayCode: 'authentication_failed' },
      false,
    ],
  ])('failing with %s', async (error, status, body, retry) => {
    const { call } = setUp({ authenticate: () => Promise.reject(error) });
    const reply = await call();
    expect(reply.status).toBe(status);
    expect(reply.json).toMatchObject(body);
    expect(reply.text).not.toContain('secret');
    expect(Object.keys(reply.json)).toEqual([...ownErrorKeys, ...(retry ? ['safeToRetry'] : [])]);
  });
});

describe('bad requests', () => {
  test.each<[string, Parameters<typeof callSql>[1], string]>([
    [
      'no connection string',
      { headers: { 'neon-connection-string': undefined as unknown as string } },
      'invalid header: neon-connection-string',
    ],
    ['a connection string in latin-1', { url: 'postgres://u:pä@h/d' }, 'invalid header: neon-connection-string'],
    [
      'a connection string that is none',
      { url: 'hello' },
      'invalid connection string: not a URL of the form postgres://user:password@host/database',
    ],
    ['another scheme', { url: 'mysql://u:p@h/d' }, 'incorrect scheme'],
    [
      'an isolation level that is none',
      { headers: { 'neon-batch-isolation-level': 'Chaos' } },
      'invalid isolation level',
    ],
    [
      'an option out of range',
      { url: 'postgres://u:p@h/d?pool_timeout=soon' },
      'connection option "pool_timeout" has the value "soon"; allowed: a number of seconds from 0 to 86400 (0 = no limit)',
    ],
    ['a body that is no JSON', { body: '{"query"' }, 'could not parse the HTTP request body: it is not valid JSON'],
    [
      'a body that is no UTF-8',
      { body: new Uint8Array([0x22, 0xff, 0x22]) },
      'could not parse the HTTP request body: it is not valid UTF-8',
    ],
    ['no body', { body: '' }, 'could not parse the HTTP request body: it is not valid JSON'],
  ])('%s', async (_, request, message) => {
    const { backend, call } = setUp();
    const reply = await call(request);
    expect(reply.status).toBe(400);
    expect(reply.json.message).toBe(message);
    expect(Object.keys(reply.json)).toEqual(ownErrorKeys);
    expect(backend.sessions).toEqual([]);
  });
});

describe('limits', () => {
  const long = (bytes: number) => [...resultMessages([['s', text]], [['x'.repeat(bytes)]]), ready];
  /** Of the response, beside the value. */
  const rest = JSON.stringify({
    fields: [
      { name: 's', dataTypeID: 25, tableID: 0, columnID: 0, dataTypeSize: -1, dataTypeModifier: -1, format: 'text' },
    ],
    rows: [['']],
    command: 'SELECT',
    rowCount: 1,
    rowAsArray: true,
  }).length;

  test('a response of exactly the limit', async () => {
    const { call } = setUp({ answers: [long(100)] }, { maxResponseBytes: 100 + rest });
    const reply = await call();
    expect(reply.status).toBe(200);
    expect(reply.text).toHaveLength(100 + rest);
  });

  const tooLarge = `response is too large (max is ${100 + rest} bytes)`;

  // The last one is refused by its header, and the statement cancelled.
  test.each([
    [101, 'was committed'],
    [400, 'was committed'],
    [100_000, 'may have been committed'],
  ])('a longer one: 507, and it is told what became of it (%d)', async (bytes, fate) => {
    const { backend, call } = setUp({ answers: [long(bytes)] }, { maxResponseBytes: 100 + rest });
    const reply = await call();
    expect(reply.status).toBe(507);
    expect(reply.json).toMatchObject({ message: `${tooLarge}; what the request did ${fate}`, code: '54000' });
    expect(Object.keys(reply.json)).toEqual(ownErrorKeys);
    expect(backend.closed).toBe(1);
  });

  describe('a longer one of a batch', () => {
    const batch = { body: { queries: [{ query: 'INSERT' }, { query: 'SELECT' }] } };
    const untilResult = [...commandMessages('BEGIN'), ...commandMessages('INSERT 0 1'), ...long(200).slice(0, -2)];
    const end = [encodeCommandComplete('SELECT 1'), ...commandMessages('COMMIT'), ready];
    const more = long(100).slice(3, -2);

    test('that is committed', async () => {
      const { call } = setUp({ answers: [[...untilResult, ...end]] }, { maxResponseBytes: 100 + rest });
      expect((await call(batch)).json).toMatchObject({
        ...{ message: `${tooLarge}; what the request did was committed`, statementIndex: 1 },
      });
    });

    test('that Postgres rolls back after all', async () => {
      const failed = encodeErrorResponse({ severity: 'ERROR', code: '22012', message: 'division by zero' });
      const answers = [
        [...untilResult, failed, readyFailed],
        [encodeCommandComplete('ROLLBACK'), ready],
      ];
      const { call } = setUp({ answers }, { maxResponseBytes: 100 + rest });
      expect((await call(batch)).json).toMatchObject({ message: tooLarge, statementIndex: 1 });
    });

    test('that does not come to an end: it is cancelled', async () => {
      const answers = [[...untilResult, ...Array<Uint8Array[]>(10).fill(more).flat()]];
      const { backend, call } = setUp({ answers, pieceBytes: 50 }, { maxResponseBytes: 100 + rest });
      expect((await call(batch)).json).toMatchObject({
        message: `${tooLarge}; what the request did may have been committed`,
      });
      expect(backend.closed).toBe(1);
    });

    test('that is not the end of its transaction: it is rolled back at once', async () => {
      const { backend, call } = setUp({ answers: [untilResult] }, { maxResponseBytes: 100 + rest });
      const reply = await call({ ...batch, headers: { ...rawArrays, 'postern-transaction': 'begin' } });
      expect(reply.json).toMatchObject({ message: tooLarge });
      expect(backend.closed).toBe(1);
    });
  });

  test('a message that alone is longer is refused by its header', async () => {
    const header = new Uint8Array([0x44, 0x7f, 0, 0, 0]);
    const { call } = setUp({ answers: [[...oneRow.slice(0, 3), header]] }, { maxResponseBytes: 1000 });
    expect((await call()).status).toBe(507);
  });
});

describe('a caller who leaves', () => {
  test('ends the session', async () => {
    const { backend, call } = setUp({ answers: [undefined] });
    const controller = new AbortController();
    const reply = call({ signal: controller.signal });
    await vi.waitFor(() => expect(backend.segments).toHaveLength(1));
    expect(backend.closed).toBe(0);
    controller.abort();
    expect((await reply).json.code).toBe('57014');
    expect(backend.closed).toBe(1);
  });

  test('before the session: it is never opened', async () => {
    const { backend, call } = setUp();
    expect((await call({ signal: AbortSignal.abort() })).json.code).toBe('57014');
    expect(backend.sessions).toEqual([]);
  });

  test('behind the answer: nothing happens', async () => {
    const { backend, call } = setUp({ answers: [oneRow] });
    const controller = new AbortController();
    expect((await call({ signal: controller.signal })).status).toBe(200);
    controller.abort();
    expect(backend.closed).toBe(1);
  });
});

describe('the log', () => {
  test('one event per request, without SQL and credentials', async () => {
    const events: SqlEvent[] = [];
    let clock = 1000;
    const { call } = setUp(
      {
        answers: [oneRow, [encodeErrorResponse({ severity: 'ERROR', code: '42601', message: 'near "secret"' }), ready]],
      },
      { log: (event) => events.push(event), clock: { ...createFakeClock(), now: () => clock++ } },
    );
    const request = { body: { query: 'select secret', params: ['secret'] } };
    await call(request);
    await call(request);
    await call({ url: 'postgres://u:secret@h/d' });
    const common = {
      event: 'http_sql',
      host: 'h',
      user: 'u',
      database: 'd',
      durationMs: 1,
      requestId: expect.any(String),
    };
    expect(events).toEqual([
      { ...common, status: 200, statements: 1, responseBytes: 187 },
      { ...common, status: 400, sqlstate: '42601', statements: 1, responseBytes: expect.any(Number) },
      {
        ...common,
        ...{ status: 400, sqlstate: '28P01', code: 'authentication_failed' },
        ...{ message: 'password authentication failed for user "u"', statements: 0, responseBytes: expect.any(Number) },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
