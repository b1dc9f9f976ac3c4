/**
 * One server message as one line of text, so that two conversations can be compared by eye.
 *
 * Kept: everything a caller could build on, the source routine of errors included.
 * Replaced: what differs between two runs of the same server (process ids, cancel keys, oids of created objects).
 * Dropped: source file and line of errors, which belong to the server's build.
 */
import { createHash } from 'node:crypto';
import type { BackendMessage } from './backend-message.ts';

/** Oids from here on belong to objects made by the script (FirstNormalObjectId). */
const FIRST_NORMAL_OID = 16384;
/** Longer values are shown as length and digest. */
const MAX_SHOWN_BYTES = 300;

/** Names for values that differ from run to run; one per session, so that the order of sessions does not matter. */
export interface Normaliser {
  /** Name of the session with this process id. */
  processName(processId: number): string;
  oid(oid: number): string;
}

export function createNormaliser(processName: (processId: number) => string): Normaliser {
  const oids = new Map<number, string>();
  return {
    processName,
    oid(oid) {
      if (oid < FIRST_NORMAL_OID) return String(oid);
      const known = oids.get(oid) ?? `new-${oids.size + 1}`;
      oids.set(oid, known);
      return known;
    },
  };
}

/** ErrorResponse and NoticeResponse fields that are compared, in the order they are shown. */
const REPORT_FIELDS: readonly (readonly [code: string, label: string])[] = [
  ['D', 'detail'],
  ['H', 'hint'],
  ['P', 'position'],
  ['p', 'internal-position'],
  ['q', 'internal-query'],
  ['W', 'where'],
  ['s', 'schema'],
  ['t', 'table'],
  ['c', 'column'],
  ['d', 'type'],
  ['n', 'constraint'],
  ['R', 'routine'],
];

/** The fields of an ErrorResponse or NoticeResponse by their letter. */
export function reportFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>();
  let offset = 0;
  while (offset < body.length && body[offset] !== 0) {
    const end = body.indexOf(0, offset + 1);
    fields.set(String.fromCharCode(body[offset]!), body.toString('utf8', offset + 1, end));
    offset = end + 1;
  }
  return fields;
}

function showReport(body: Buffer): string {
  const fields = reportFields(body);
  const known = `${fields.get('V') ?? fields.get('S')} ${fields.get('C')} ${JSON.stringify(fields.get('M') ?? '')}`;
  const rest = REPORT_FIELDS.filter(([code]) => fields.has(code)).map(
    ([code, label]) => ` ${label}=${JSON.stringify(fields.get(code))}`,
  );
  return known + rest.join('');
}

function showBytes(content: Buffer): string {
  if (content.length > MAX_SHOWN_BYTES) {
    return `<${content.length} bytes sha256:${createHash('sha256').update(content).digest('hex').slice(0, 12)}>`;
  }
  const text = content.toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be printed
  const isPlain = Buffer.from(text, 'utf8').equals(content) && !/[\u0000-\u0008\u000b-\u001f\ufffd]/.test(text);
  return isPlain ? JSON.stringify(text).slice(1, -1).replaceAll('|', '\\|') : `0x${content.toString('hex')}`;
}

/** Reads a body field by field. */
function cursor(body: Buffer) {
  let offset = 0;
  return {
    text(): string {
      const end = body.indexOf(0, offset);
      const found = body.toString('utf8', offset, end);
      offset = end + 1;
      return found;
    },
    int8: (): number => body[offset++]!,
    int16(): number {
      offset += 2;
      return body.readInt16BE(offset - 2);
    },
    int32(): number {
      offset += 4;
      return body.readInt32BE(offset - 4);
    },
    take(length: number): Buffer {
      offset += length;
      return body.subarray(offset - length, offset);
    },
  };
}

function times<T>(count: number, read: () => T): T[] {
  return Array.from({ length: count }, () => read());
}

function showRowDescription(body: Buffer, names: Normaliser): string {
  const read = cursor(body);
  const columns = times(read.int16(), () => {
    const name = read.text();
    const table = names.oid(read.int32() >>> 0);
    const attribute = read.int16();
    const type = names.oid(read.int32() >>> 0);
    const size = read.int16();
    const modifier = read.int32();
    const format = read.int16() === 0 ? 'text' : 'binary';
    const origin = table === '0' ? '' : ` from ${table}.${attribute}`;
    return `${JSON.stringify(name)}:${type}(${size},${modifier},${format})${origin}`;
  });
  const shown = columns.join(', ');
  if (shown.length <= 2000) return shown;
  return `${columns.length} columns sha256:${createHash('sha256').update(shown).digest('hex').slice(0, 12)}`;
}

function showDataRow(body: Buffer): string {
  const read = cursor(body);
  const values = times(read.int16(), () => {
    const length = read.int32();
    return length === -1 ? 'NULL' : showBytes(read.take(length));
  });
  const shown = values.join(' | ');
  if (shown.length <= 2000) return shown;
  return `${values.length} values sha256:${createHash('sha256').update(shown).digest('hex').slice(0, 12)}`;
}

function showCopyFormats(body: Buffer): string {
  const read = cursor(body);
  const overall = read.int8() === 0 ? 'text' : 'binary';
  return `${overall} [${times(read.int16(), () => read.int16()).join(',')}]`;
}

function showAuthentication(body: Buffer): string {
  const kind = body.readInt32BE(0);
  return kind === 0 ? 'AuthenticationOk' : `Authentication ${kind}`;
}

const SHOW: Readonly<Record<string, (body: Buffer, names: Normaliser) => string>> = {
  R: showAuthentication,
  S: (body) => {
    const read = cursor(body);
    return `ParameterStatus ${read.text()}=${JSON.stringify(read.text())}`;
  },
  K: (body, names) => `BackendKeyData ${names.processName(body.readInt32BE(0))} key of ${body.length - 4} bytes`,
  Z: (body) => `ReadyForQuery ${body.toString('latin1')}`,
  v: (body) => {
    const read = cursor(body);
    const version = read.int32();
    const options = times(read.int32(), () => read.text());
    return `NegotiateProtocolVersion ${version >>> 16}.${version & 0xffff} [${options.join(', ')}]`;
  },
  E: (body) => `ErrorResponse ${showReport(body)}`,
  N: (body) => `NoticeResponse ${showReport(body)}`,
  A: (body, names) => {
    const read = cursor(body);
    const sender = names.processName(read.int32());
    return `NotificationResponse from ${sender} on ${JSON.stringify(read.text())}: ${JSON.stringify(read.text())}`;
  },
  1: () => 'ParseComplete',
  2: () => 'BindComplete',
  3: () => 'CloseComplete',
  n: () => 'NoData',
  s: () => 'PortalSuspended',
  I: () => 'EmptyQueryResponse',
  t: (body, names) => {
    const read = cursor(body);
    const types = times(read.int16(), () => names.oid(read.int32() >>> 0));
    const shown = types.join(',');
    return `ParameterDescription [${shown.length > 300 ? `${types.length} types` : shown}]`;
  },
  T: (body, names) => `RowDescription ${showRowDescription(body, names)}`,
  D: (body) => `DataRow ${showDataRow(body)}`,
  C: (body) => `CommandComplete ${cursor(body).text()}`,
  G: (body) => `CopyInResponse ${showCopyFormats(body)}`,
  H: (body) => `CopyOutResponse ${showCopyFormats(body)}`,
  W: (body) => `CopyBothResponse ${showCopyFormats(body)}`,
  d: (body) => `CopyData ${showBytes(body)}`,
  c: () => 'CopyDone',
  V: (body) => {
    const length = body.readInt32BE(0);
    return `FunctionCallResponse ${length === -1 ? 'NULL' : showBytes(body.subarray(4))}`;
  },
};

/** The name of a message type as the traces use it. */
export function messageKind(type: string): string {
  return KINDS[type] ?? `Unknown(${type})`;
}

const KINDS: Readonly<Record<string, string>> = {
  R: 'Authentication',
  S: 'ParameterStatus',
  K: 'BackendKeyData',
  Z: 'ReadyForQuery',
  v: 'NegotiateProtocolVersion',
  E: 'ErrorResponse',
  N: 'NoticeResponse',
  A: 'NotificationResponse',
  1: 'ParseComplete',
  2: 'BindComplete',
  3: 'CloseComplete',
  n: 'NoData',
  s: 'PortalSuspended',
  I: 'EmptyQueryResponse',
  t: 'ParameterDescription',
  T: 'RowDescription',
  D: 'DataRow',
  C: 'CommandComplete',
  G: 'CopyInResponse',
  H: 'CopyOutResponse',
  W: 'CopyBothResponse',
  d: 'CopyData',
  c: 'CopyDone',
  V: 'FunctionCallResponse',
};

/** The line for one message. */
export function traceLine(received: BackendMessage, names: Normaliser): string {
  const show = SHOW[received.type];
  return show === undefined
    ? `Unknown(${received.type}) ${showBytes(received.body)}`
    : show(received.body, names).trimEnd();
}

/** ParameterStatus messages that follow each other have no promised order: the manual calls them asynchronous. */
export function sortParameterRuns(lines: readonly string[]): string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of [...lines, '']) {
    if (line.startsWith('ParameterStatus ')) {
      run.push(line);
      continue;
    }
    sorted.push(...run.sort(), line);
    run = [];
  }
  sorted.pop();
  return sorted;
}
