// What callers send, as bytes made once.

export interface StatementText {
  readonly sql: string;
  /** Text parameters; extended protocol only. */
  readonly params?: readonly string[];
  readonly protocol: 'simple' | 'extended';
}

/** StartupMessage and password in one: no server here objects to an answer that comes before the question. */
export function encodeStartup(user: string, password: string, parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries({ user, database: 'postgres', ...parameters }).flat();
  const body = Buffer.from(`\0\x03\0\0${pairs.map((text) => `${text}\0`).join('')}\0`);
  return Buffer.concat([int32(body.length + 4), body, message('p', `${password}\0`)]);
}

/** One statement up to its Sync. */
export function encodeStatement({ sql, params = [], protocol }: StatementText): Buffer {
  if (protocol === 'simple') return message('Q', `${sql}\0`);
  const values = params.map((text) => Buffer.concat([int32(Buffer.byteLength(text)), Buffer.from(text)]));
  const bind = [Buffer.from('\0\0\0\0'), int16(params.length), ...values, Buffer.from('\0\0')];
  return Buffer.concat([
    message('P', `\0${sql}\0\0\0`),
    message('B', Buffer.concat(bind)),
    message('D', 'P\0'),
    message('E', '\0\0\0\0\0'),
    message('S', ''),
  ]);
}

export const terminateMessage: Buffer = message('X', '');
export const sslRequest: Buffer = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

function message(type: string, body: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(Buffer.byteLength(body) + 4), Buffer.from(body)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
