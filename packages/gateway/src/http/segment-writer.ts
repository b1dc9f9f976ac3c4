// The frontend messages of a request, written straight into one buffer that is used again for the next request: wire's
// encoders make an array per message, which on this route is a third of the work. Text format both ways, parameter
// types left to Postgres.

import { FrontViews } from '@postern/pool';
import { encodeBind, encodeDescribe, encodeExecute, encodeSync, FrontendCode } from '@postern/wire';

export interface SegmentWriter {
  /** Parse, Bind, Describe, Execute. Neither text may hold NUL (`query`) or half a surrogate pair (both). */
  statement(query: string, params: readonly (string | null)[]): void;
  /** The same with a named statement; `query` is left out when the session has it. */
  named(name: string, query: string | undefined, params: readonly (string | null)[]): void;
  /** Parse, Bind, Execute: for a statement that has neither parameters nor rows. */
  command(sql: string): void;
  /** Ends the segment: Sync, and what was written. Borrowed: valid until the next statement or command. */
  finish(): Uint8Array;
}

export interface SegmentWriterOptions {
  readonly initialBytes?: number;
  /** A buffer that one large request made larger than this is given back. */
  readonly keptBytes?: number;
}

export function createSegmentWriter(options: SegmentWriterOptions = {}): SegmentWriter {
  return new ReusedSegmentWriter(options.initialBytes ?? 4096, options.keptBytes ?? 65_536);
}

const describePortal = encodeDescribe('P', '');
const execute = encodeExecute();
const bindNothing = encodeBind();
const sync = encodeSync();
const encoder = new TextEncoder();

/** Up to this length a loop beats the call into the runtime (as in wire, measured in Node 20). */
const shortTextLength = 16;

class ReusedSegmentWriter implements SegmentWriter {
  private bytes: Uint8Array;
  private views: FrontViews;
  private length = 0;
  private readonly keptBytes: number;

  constructor(initialBytes: number, keptBytes: number) {
    this.bytes = new Uint8Array(initialBytes);
    this.views = new FrontViews(this.bytes);
    this.keptBytes = keptBytes;
  }

  statement(query: string, params: readonly (string | null)[]): void {
    this.parse('', query);
    if (params.length === 0) this.raw(bindNothing);
    else this.bind('', params);
    this.raw(describePortal);
    this.raw(execute);
  }

  named(name: string, query: string | undefined, params: readonly (string | null)[]): void {
    if (query !== undefined) this.parse(name, query);
    this.bind(name, params);
    this.raw(describePortal);
    this.raw(execute);
  }

  command(sql: string): void {
    this.parse('', sql);
    this.raw(bindNothing);
    this.raw(execute);
  }

  finish(): Uint8Array {
    this.raw(sync);
    const segment = this.views.first(this.length);
    if (this.bytes.length > this.keptBytes) this.use(new Uint8Array(this.keptBytes));
    this.length = 0;
    return segment;
  }

  /** No parameter types. */
  private parse(name: string, query: string): void {
    const start = this.startMessage(FrontendCode.Parse);
    this.text(name);
    this.byte(0);
    this.text(query);
    this.byte(0);
    this.int16(0);
    this.endMessage(start);
  }

  /** The unnamed portal of the statement, no format codes: everything is text. */
  private bind(name: string, params: readonly (string | null)[]): void {
    const start = this.startMessage(FrontendCode.Bind);
    this.byte(0);
    this.text(name);
    this.byte(0);
    this.int16(0);
    this.int16(params.length);
    for (const param of params) {
      const at = this.length;
      this.int32(-1);
      if (param === null) continue;
      this.text(param);
      this.setInt32(at, this.length - at - 4);
    }
    this.int16(0);
    this.endMessage(start);
  }

  /** Returns where the message's length field is. */
  private startMessage(code: number): number {
    this.byte(code);
    const at = this.length;
    this.int32(0);
    return at;
  }

  private endMessage(at: number): void {
    this.setInt32(at, this.length - at);
  }

  private text(text: string): void {
    this.reserve(text.length * 3);
    if (text.length <= shortTextLength) {
      const { bytes, length } = this;
      let index = 0;
      for (; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        bytes[length + index] = unit;
      }
      if (index === text.length) {
        this.length += index;
        return;
      }
    }
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  private raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    for (let at = 0; at < bytes.length; at++) this.bytes[this.length++] = bytes[at]!;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  private int16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  private int32(value: number): void {
    this.reserve(4);
    this.length += 4;
    this.setInt32(this.length - 4, value);
  }

  private setInt32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, needed));
    grown.set(this.bytes.subarray(0, this.length));
    this.use(grown);
  }

  private use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.views = new FrontViews(bytes);
  }
}
