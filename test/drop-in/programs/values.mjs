// Values of every type Postgres prints, alone and in arrays, over HTTP and WebSocket; and values as parameters.
import { defaults, neon, Pool, types } from '@neondatabase/serverless';
import { attempt, show, url } from './setup.mjs';

const sql = neon(url);
const pool = new Pool({ connectionString: url, max: 2 });

const samples = {
  bool: ['true', 'false'],
  bytea: ["'\\xdeadbeef'", "''"],
  '"char"': ["'a'"],
  name: ["'n'"],
  int8: ['9223372036854775807', '-1'],
  int2: ['1'],
  int4: ['-5'],
  regproc: ["'now'"],
  text: ["'é'", "''"],
  oid: ['4294967295'],
  tid: ["'(1,2)'"],
  xid: ["'5'"],
  cid: ["'6'"],
  json: [`'{"a":[1,null,"x"]}'`, "'1'", "'null'"],
  xml: ["'<a/>'"],
  point: ["'(1,2.5)'"],
  lseg: ["'[(1,2),(3,4)]'"],
  path: ["'((1,2),(3,4))'"],
  box: ["'(1,2),(3,4)'"],
  polygon: ["'((1,2),(3,4))'"],
  line: ["'{1,2,3}'"],
  cidr: ["'10.0.0.0/8'"],
  float4: ['1.5', "'NaN'", "'-Infinity'"],
  float8: ['0.1', "'Infinity'", "'-0'"],
  circle: ["'<(1,2),3>'"],
  macaddr8: ["'08:00:2b:01:02:03:04:05'"],
  money: ["'12.34'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  inet: ["'192.168.0.1/24'"],
  bpchar: ["'ab'"],
  varchar: ["'vc'"],
  date: ["'2024-02-29'", "'0044-03-15 BC'", "'infinity'", "'-infinity'"],
  time: ["'12:34:56.789'"],
  timestamp: ["'2024-02-29 12:34:56.789012'", "'0044-03-15 01:02:03 BC'", "'infinity'"],
  timestamptz: ["'2024-02-29 12:34:56.789012+05:30'", "'0044-03-15 01:02:03+00 BC'", "'-infinity'"],
  interval: ["'1 year 2 mons 3 days 04:05:06.789'", "'-1 day -00:00:01.5'", "'0'"],
  timetz: ["'12:34:56+02'"],
  bit: ["B'1'"],
  varbit: ["B'1010'"],
  numeric: ['12345678901234567890.123456789', "'NaN'"],
  refcursor: ["'c'"],
  regprocedure: ["'now()'"],
  regoper: ["'!~~'"],
  regoperator: ["'+(int4,int4)'"],
  regclass: ["'pg_class'"],
  regtype: ["'int4'"],
  uuid: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  pg_lsn: ["'0/1'"],
  tsvector: ["'a b'"],
  tsquery: ["'a & b'"],
  regconfig: ["'english'"],
  regdictionary: ["'simple'"],
  jsonb: [`'{"b":{"c":[true]}}'`],
  int4range: ["'[1,5)'"],
  numrange: ["'(1.5,)'"],
  tsrange: ["'[2024-01-01,2024-02-01)'"],
  tstzrange: ["'[2024-01-01+00,2024-02-01+00)'"],
  daterange: ["'[2024-01-01,2024-02-01)'", "'empty'"],
  int8range: ["'[1,5)'"],
  int4multirange: ["'{[1,2),[5,6)}'"],
  txid_snapshot: ["'10:20:10,14,15'"],
  pg_snapshot: ["'10:20:10,14,15'"],
  jsonpath: ["'$.a'"],
  int2vector: ["'1 2'"],
  oidvector: ["'1 2'"],
  xid8: ["'7'"],
  aclitem: ["'postgres=r/postgres'"],
};

const expressions = [
  ...Object.entries(samples).flatMap(([type, list]) => list.map((value) => `${value}::${type}`)),
  ...Object.entries(samples)
    .filter(([type]) => !type.endsWith('vector') || type === 'tsvector')
    .map(([type, list]) => `ARRAY[${list.map((value) => `${value}::${type}`)}, NULL]::${type}[]`),
];

await sql.query("CREATE TYPE mood AS ENUM ('happy', 'so so')");
await sql.query('CREATE DOMAIN small AS int');
await sql.query('CREATE TYPE pair AS (a int, b text)');
expressions.push(
  "'happy'::mood",
  "ARRAY['happy', 'so so', NULL]::mood[]",
  '5::small',
  'ARRAY[5]::small[]',
  "ROW(1, 'x')::pair",
  "ARRAY[ROW(1, 'x, y')::pair]",
  'ROW(1, 2)',
  "'[2:3]={1,2}'::int[]",
  "'{{1,2},{3,4}}'::int[]",
  "'{}'::int[]",
  'NULL::int[]',
);

const firstUserOid = 16_384;

function visible({ rows, fields, command, rowCount, rowAsArray }) {
  const named = fields.map((field) => ({
    ...field,
    dataTypeID: field.dataTypeID < firstUserOid ? field.dataTypeID : 'of a user',
  }));
  return { rows, fields: named, command, rowCount, rowAsArray };
}

for (const expression of expressions) {
  const text = `SELECT ${expression} AS value`;
  await attempt(`http ${expression}`, async () => visible(await sql.query(text, [], { fullResults: true })));
  await attempt(`ws ${expression}`, async () => visible(await pool.query(text)));
}

// Settings that change how values are written.
const client = await pool.connect();
for (const setting of [
  "TIME ZONE 'Asia/Kolkata'",
  "DateStyle = 'SQL, DMY'",
  "DateStyle = 'German'",
  "IntervalStyle = 'iso_8601'",
  "bytea_output = 'escape'",
  'extra_float_digits = 0',
]) {
  await client.query('RESET ALL');
  await client.query(`SET ${setting}`);
  const { rows } = await client.query(
    `SELECT '2024-02-29 12:34:56.789012+05:30'::timestamptz AS a, '2024-02-29'::date AS b, '1 year 2 mons 3 days 04:05:06.789'::interval AS c,
      '\\xde00ad5c'::bytea AS d, 0.1::float8 + 0.2 AS e`,
  );
  show(setting, rows);
}
await client.query('RESET ALL');
client.release();

const parameters = [
  ['n', 1.5],
  ['nan', NaN],
  ['b', true],
  ['s', 'x'],
  ['d', new Date('2024-02-29T12:34:56.789Z')],
  ['dbc', new Date(-62198755200000)],
  ['arr', [1, null, 'a"b\\c', [true]]],
  ['obj', { a: [1, 'x'], d: new Date(0) }],
  ['buf', Buffer.from([0, 255])],
  ['u8', new Uint8Array([1, 2])],
  ['big', 12345678901234567890n],
  ['undef', undefined],
  ['null', null],
  ['objarr', [{ a: 1 }, { b: 2 }]],
  ['str obj', new String('x')],
  ['arr dates', [new Date(0)]],
  ['empty', []],
  ['topg', { toPostgres: (p) => p([1, 2]) }],
  ['f32', new Float32Array([1])],
  ['-0', -0],
  ['map', new Map([[1, 2]])],
  ['arrobj', [[{ a: '"' }]]],
  ['url', new URL('http://x/')],
];
for (const [name, value] of parameters) {
  await attempt(`${name} as $1`, () => sql.query('SELECT $1::text AS value', [value]));
  await attempt(`${name} interpolated`, () => sql`SELECT ${value} AS value`);
  await attempt(`${name} over WebSocket`, async () => (await pool.query('SELECT $1::text AS value', [value])).rows);
}

show('builtins', types.builtins);
show('arrayParser', types.arrayParser.create('{1,2}', Number).parse());
show('defaults', [
  defaults.host,
  defaults.port,
  defaults.max,
  defaults.idleTimeoutMillis,
  defaults.parseInputDatesAsUTC,
]);
await pool.end();
console.log('done');
