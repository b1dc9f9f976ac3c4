import {
  BackendCode,
  concatBytes,
  encodeCommandComplete,
  encodeCopyData,
  encodeDataRow,
  encodeNoticeResponse,
  encodeParameterStatus,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { type BackendHandler, BackendScanner, ScanError, Verdict } from './backend-scanner.ts';

interface Recorder extends BackendHandler {
  /** Type letters of the messages told, `|` for afterRun. */
  readonly codes: string[];
  /** Bytes forwarded. */
  readonly given: number[];
  /** Bytes of the messages shown whole. */
  readonly whole: number[];
}

function createRecorder(verdicts: Partial<Record<number, Verdict>> = {}): Recorder {
  const codes: string[] = [];
  const given: number[] = [];
  const whole: number[] = [];
  return {
    codes,
    given,
    whole,
    onRowHeader(code) {
      codes.push(String.fromCharCode(code));
      return verdicts[code] ?? Verdict.Forward;
    },
    onMessage(code, bytes, start, end) {
      codes.push(String.fromCharCode(code));
      whole.push(...bytes.subarray(start, end));
      return verdicts[code] ?? Verdict.Forward;
    },
    forward(bytes, start, end) {
      given.push(...bytes.subarray(start, end));
      return false;
    },
    afterRun() {
      codes.push('|');
    },
  };
}

const row = encodeDataRow([encodeText('one'), null, encodeText('x'.repeat(30))]);
const parameter = encodeParameterStatus('TimeZone', 'UTC');
const messages = [
  Uint8Array.of(BackendCode.ParseComplete, 0, 0, 0, 4),
  Uint8Array.of(BackendCode.BindComplete, 0, 0, 0, 4),
  encodeRowDescription([
    { name: 'a', tableID: 0, columnID: 0, dataTypeID: 25, dataTypeSize: -1, dataTypeModifier: -1, format: 'text' },
  ]),
  row,
  row,
  encodeNoticeResponse({ severity: 'NOTICE', code: '00000', message: 'so' }),
  row,
  encodeCommandComplete('SELECT 3'),
  encodeCopyData(encodeText('copied')),
  parameter,
  encodeReadyForQuery('I'),
];
const exchange = concatBytes(messages);

function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.slice(i, i + size));
  return pieces;
}

describe('whatever the cuts', () => {
  /** In one piece, in pieces of a size, and cut once at every place. */
  function allCuts(): Uint8Array[][] {
    const halves = Array.from(exchange, (_, i) => [exchange.slice(0, i), exchange.slice(i)]);
    return [...[1, 2, 3, 5, 7, 64, exchange.length].map((size) => cutEvery(exchange, size)), ...halves];
  }

  function scan(pieces: readonly Uint8Array[], verdicts?: Partial<Record<number, Verdict>>): Recorder {
    const recorder = createRecorder(verdicts);
    const scanner = new BackendScanner(recorder, 1_000);
    for (const piece of pieces) {
      scanner.push(piece);
      // Borrowed: the memory is somebody else's as soon as the call is over.
      piece.fill(0xee);
    }
    expect(scanner.isMidMessage).toBe(false);
    return recorder;
  }

  test('every message is told once, whole, and every byte forwarded in its place', () => {
    const streamed = new Set<number>([BackendCode.DataRow, BackendCode.CopyData]);
    const whole = [...concatBytes(messages.filter((message) => !streamed.has(message[0]!)))];
    for (const pieces of allCuts()) {
      const recorder = scan(pieces);
      expect(recorder.codes.join('')).toBe('12TDDNDCdSZ');
      expect(recorder.given).toEqual([...exchange]);
      expect(recorder.whole).toEqual(whole);
    }
  });

  test('what is dropped leaves no trace, and afterRun comes right behind its message', () => {
    const rest = [...concatBytes(messages.filter((message) => message !== row && message !== parameter))];
    for (const pieces of allCuts()) {
      const recorder = scan(pieces, {
        [BackendCode.DataRow]: Verdict.Drop,
        [BackendCode.ParameterStatus]: Verdict.Drop,
        [BackendCode.CommandComplete]: Verdict.ForwardThenCall,
      });
      expect(recorder.codes.join('')).toBe('12TDDNDC|dSZ');
      expect(recorder.given).toEqual(rest);
    }
  });
});

test('a run of messages is forwarded in one piece', () => {
  let runs = 0;
  const recorder = createRecorder();
  const scanner = new BackendScanner(
    {
      ...recorder,
      forward: () => {
        runs++;
        return false;
      },
    },
    1_000,
  );
  scanner.push(concatBytes(new Array(50).fill(row)));
  expect(runs).toBe(1);
});

test('tells whether the memory of a chunk was kept, for that chunk only', () => {
  const recorder = createRecorder();
  let keeps = true;
  const scanner = new BackendScanner({ ...recorder, forward: () => keeps }, 1_000);
  expect(scanner.push(row)).toBe(true);
  keeps = false;
  expect(scanner.push(row)).toBe(false);
});

test('is in the middle of a message until its last byte', () => {
  for (const end of [1, 4, 5, 6, row.length - 1]) {
    const fresh = new BackendScanner(createRecorder(), 1_000);
    fresh.push(row.slice(0, end));
    expect(fresh.isMidMessage).toBe(true);
    fresh.push(row.slice(end));
    expect(fresh.isMidMessage).toBe(false);
  }
});

describe('lengths that cannot be', () => {
  test.each([
    ['C', 0],
    ['C', 3],
    ['C', 2 ** 31],
    ['C', 2 ** 32 - 1],
    ['C', 1_001],
    ['D', 0],
    ['D', 3],
    ['d', 1],
  ])('%s with length %i', (code, length) => {
    const bytes = new Uint8Array(5);
    bytes[0] = code.charCodeAt(0);
    new DataView(bytes.buffer).setUint32(1, length);
    expect(() => new BackendScanner(createRecorder(), 1_000).push(bytes)).toThrow(ScanError);
    const scanner = new BackendScanner(createRecorder(), 1_000);
    expect(() => {
      for (const piece of cutEvery(bytes, 1)) scanner.push(piece);
    }).toThrow(ScanError);
  });

  test('rows and copy data may be of any length: they stream', () => {
    const recorder = createRecorder();
    const scanner = new BackendScanner(recorder, 1_000);
    const head = Uint8Array.of(BackendCode.DataRow, 0, 0, 0, 0);
    new DataView(head.buffer).setUint32(1, 50_004);
    scanner.push(head);
    for (let i = 0; i < 50; i++) scanner.push(new Uint8Array(1_000));
    expect(recorder.given).toHaveLength(50_005);
    expect(scanner.isMidMessage).toBe(false);
  });
});

test('garbage never takes time or memory that its bytes do not account for', () => {
  let seed = 3;
  for (let round = 0; round < 300; round++) {
    const garbage = Uint8Array.from({ length: 200 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed & 0xff;
    });
    const recorder = createRecorder();
    const scanner = new BackendScanner(recorder, 1_000);
    try {
      for (const piece of cutEvery(garbage, 9)) scanner.push(piece);
    } catch (error) {
      expect(error).toBeInstanceOf(ScanError);
    }
    expect(recorder.given.length).toBeLessThanOrEqual(garbage.length);
  }
});
