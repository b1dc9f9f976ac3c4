// The strict subset of HTTP/1.1 that is read without node:http (sql-connection.ts): the head of a plain `POST /sql`.
// It says "this one, and exactly so" or "not mine"; it never repairs. Whatever two readers of HTTP could understand
// differently (RFC 9112 §11.2: lengths, encodings, folded lines, lone LFs, spaces before a colon) is not ours.

import { posternHeader, sqlPath } from '@postern/contract';

/** The head of one request. */
export interface SqlRequestHead {
  /** By lower-case name; no name came twice. The same object for heads of a connection that say the same. */
  readonly headers: ReadonlyMap<string, string>;
  readonly contentLength: number;
  /** The caller did not ask for the connection to be closed behind the answer. */
  readonly keepsAlive: boolean;
  /** Of the head, blank line included. */
  readonly byteLength: number;
  /** Where the digits of the Content-Length are. */
  readonly lengthStart: number;
  readonly lengthEnd: number;
}

/** `incomplete`: so far it is one of ours. `unusual`: node:http must read it, from its first byte. */
export type SqlHeadReading = SqlRequestHead | 'incomplete' | 'unusual';

/** Longer heads and bodies are node:http's, whose limits are the ones that are answered (431, 413). */
const maxHeadBytes = 8_192;
const maxPlainBodyBytes = 65_536;
const maxHeaders = 64;

const requestLine = Buffer.from(`POST ${sqlPath} HTTP/1.1\r\n`, 'latin1');

/** They change how the message is framed, what is answered before the end, or who speaks on the connection afterwards. */
const unusualNames: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-encoding',
  'te',
  'trailer',
  'expect',
  'upgrade',
  'http2-settings',
  'proxy-connection',
  // Rows as they come: a body without a known length.
  posternHeader.stream,
]);

/** Bytes a header name may consist of (RFC 9110 §5.6.2), and those a value may; obs-text is not for us. */
const nameBytes = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  nameBytes[character.charCodeAt(0)] = 1;
}
const valueBytes = new Uint8Array(256);
valueBytes.fill(1, 0x20, 0x7f);
valueBytes[0x09] = 1;

const tab = 0x09;
const lf = 0x0a;
const cr = 0x0d;
const space = 0x20;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;

/** Reads the head at the start of `bytes`; linear in its length. */
export function readSqlRequestHead(bytes: Buffer): SqlHeadReading {
  const compared = Math.min(bytes.length, requestLine.length);
  if (bytes.compare(requestLine, 0, compared, 0, compared) !== 0) return 'unusual';
  const limit = Math.min(bytes.length, maxHeadBytes);
  const atLimit = bytes.length >= maxHeadBytes ? 'unusual' : 'incomplete';
  const headers = new Map<string, string>();
  let lengthStart = 0;
  let lengthEnd = 0;
  let at = requestLine.length;
  for (;;) {
    if (at >= limit) return atLimit;
    if (bytes[at] === cr) {
      if (at + 1 >= limit) return atLimit;
      return bytes[at + 1] === lf ? checkedHead(headers, at + 2, lengthStart, lengthEnd) : 'unusual';
    }
    const nameStart = at;
    while (at < limit && nameBytes[bytes[at]!] === 1) at++;
    if (at >= limit) return atLimit;
    if (at === nameStart || bytes[at] !== colon) return 'unusual';
    const name = bytes.toString('latin1', nameStart, at).toLowerCase();
    at++;
    let start = at;
    while (at < limit && valueBytes[bytes[at]!] === 1) at++;
    if (at + 1 >= limit) return at < limit && bytes[at] !== cr ? 'unusual' : atLimit;
    if (bytes[at] !== cr || bytes[at + 1] !== lf) return 'unusual';
    let end = at;
    at += 2;
    while (start < end && isBlank(bytes[start]!)) start++;
    while (end > start && isBlank(bytes[end - 1]!)) end--;
    if (headers.has(name) || headers.size >= maxHeaders || unusualNames.has(name)) return 'unusual';
    headers.set(name, bytes.toString('latin1', start, end));
    if (name === 'content-length') {
      lengthStart = start;
      lengthEnd = end;
    }
  }
}

/**
 * The head at the start of `bytes` if it is that of an earlier request again, byte for byte but for the number in its
 * Content-Length; undefined when it has to be read. `known` lies at the start of `knownBytes`.
 */
export function repeatSqlRequestHead(
  known: SqlRequestHead,
  knownBytes: Buffer,
  bytes: Buffer,
): SqlRequestHead | undefined {
  const { lengthStart, lengthEnd, byteLength } = known;
  if (bytes.length >= byteLength && bytes.compare(knownBytes, 0, byteLength, 0, byteLength) === 0) return known;
  if (bytes.compare(knownBytes, 0, lengthStart, 0, Math.min(lengthStart, bytes.length)) !== 0) return undefined;
  let end = lengthStart;
  while (end < bytes.length && bytes[end]! >= zero && bytes[end]! <= nine) end++;
  const rest = byteLength - lengthEnd;
  if (bytes.length < end + rest || bytes.compare(knownBytes, lengthEnd, byteLength, end, end + rest) !== 0) {
    return undefined;
  }
  const contentLength = parseLength(bytes.toString('latin1', lengthStart, end));
  if (contentLength === undefined || end + rest > maxHeadBytes) return undefined;
  if (contentLength === known.contentLength) return known;
  return { ...known, contentLength, byteLength: end + rest, lengthEnd: end };
}

function checkedHead(
  headers: ReadonlyMap<string, string>,
  byteLength: number,
  lengthStart: number,
  lengthEnd: number,
): SqlHeadReading {
  const contentLength = parseLength(headers.get('content-length'));
  const connection = headers.get('connection')?.toLowerCase();
  const isKnownConnection = connection === undefined || connection === 'keep-alive' || connection === 'close';
  if (contentLength === undefined || !headers.has('host') || !isKnownConnection) return 'unusual';
  return { headers, contentLength, keepsAlive: connection !== 'close', byteLength, lengthStart, lengthEnd };
}

/** Plain decimal without leading zeros, within the limit. */
function parseLength(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,6})$/.test(text)) return undefined;
  const length = Number(text);
  return length <= maxPlainBodyBytes ? length : undefined;
}

function isBlank(byte: number): boolean {
  return byte === space || byte === tab;
}
