/**
 * What a caller sends, message by message: what is incomplete or must wait is held, what needs no server connection is
 * answered here, the rest goes to the forwarder. Large Bind and CopyData messages stream through.
 */
import { encodeErrorResponse, FrontendCode } from '@postern/wire';
import { ByteBuffer } from './byte-buffer.ts';
import { errorMessage, readyForQuery } from './error-message.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { segmentEnd, shareableText } from './shareable-segment.ts';
import { maxWholeBindBytes } from './statement-forwarding.ts';
import type { TextFacts } from './text-facts.ts';

/** The frontend messages Postgres knows; anything else ends the session. */
const isKnown: Uint8Array = new Uint8Array(256);
for (const code of Object.values(FrontendCode)) isKnown[code] = code === FrontendCode.PasswordMessage ? 0 : 1;
/** Those that Postgres reads without a limit of 10 000 bytes (PQ_SMALL_MESSAGE_LIMIT in src/backend/tcop/postgres.c). */
const largeCodes: ReadonlySet<number> = new Set([
  FrontendCode.Query,
  FrontendCode.Parse,
  FrontendCode.Bind,
  FrontendCode.FunctionCall,
  FrontendCode.CopyData,
]);
const smallMessageBytes = 10_000;
/** Large ones that are only sent when they are here whole. */
const wholeCodes: ReadonlySet<number> = new Set([FrontendCode.Query, FrontendCode.Parse, FrontendCode.FunctionCall]);

export class CallerInput {
  private readonly session: PooledSession;
  private readonly held = new ByteBuffer();
  /** An error of ours was sent: everything up to the next Sync is discarded, as Postgres does. */
  private isSkipping = false;
  /** Bytes of a large message still to come, and whether they go to the server or nowhere. */
  private streaming = 0;
  private isStreamDropped = false;
  private isPaused = false;
  /** What is being read while a lease is asked for. */
  private nextBytes: Uint8Array | undefined;
  private nextAt = 0;
  private nextEnd = 0;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** What is known of the next segment, if it is here whole and may share a connection with others'. */
  shareableText(): TextFacts | undefined {
    const { forwarder, pool } = this.session;
    if (this.streaming > 0 || this.isSkipping) return undefined;
    return this.nextBytes === undefined
      ? shareableText(forwarder, pool, this.held.bytes, this.held.start, this.held.end)
      : shareableText(forwarder, pool, this.nextBytes, this.nextAt, this.nextEnd);
  }

  /** Whether anything waits to be read. */
  get hasHeld(): boolean {
    return this.held.length > 0;
  }

  clear(): void {
    this.held.consume(this.held.length);
  }

  receiveInitial(bytes: Uint8Array): void {
    this.held.append(bytes);
  }

  /** Bytes from the caller (borrowed). */
  onData(bytes: Uint8Array): boolean {
    if (this.session.isOver) return false;
    if (this.held.length > 0 || this.session.phase === 'opening') {
      this.held.append(bytes);
      this.pump();
    } else {
      const used = this.consume(bytes, 0, bytes.length);
      if (used < bytes.length && !this.session.isOver) this.held.append(bytes, used, bytes.length);
    }
    this.applyBackPressure();
    return false;
  }

  /** Copies the next segment, which is here whole. */
  copySegment(to: ByteBuffer): void {
    const bytes = this.nextBytes ?? this.held.bytes;
    const start = this.nextBytes === undefined ? this.held.start : this.nextAt;
    to.append(bytes, start, segmentEnd(bytes, start));
  }

  /** Drops what is left of a segment that was read in part. */
  dropSegment(): void {
    const { held } = this;
    held.consume(segmentEnd(held.bytes, held.start) - held.start);
  }

  /** Puts messages that were read back in front. */
  putBack(segment: ByteBuffer): void {
    const { held } = this;
    segment.append(held.bytes, held.start, held.end);
    held.consume(held.length);
    held.append(segment.bytes, segment.start, segment.end);
  }

  /** The same, and reads them again. */
  unread(segment: ByteBuffer): void {
    this.putBack(segment);
    this.pump();
  }

  /** Reads on in what is held. */
  pump(): void {
    if (this.session.phase !== 'open') return;
    const { held } = this;
    if (held.length > 0) {
      const used = this.consume(held.bytes, held.start, held.end);
      if (!this.session.isOver) held.consume(used - held.start);
    }
    this.applyBackPressure();
  }

  applyBackPressure(): void {
    const { limits } = this.session.context;
    const isBehind =
      (this.session.isBlocked && this.held.length > limits.maxHeldBytes) ||
      (this.session.server !== undefined && this.session.server.stream.bufferedBytes > limits.maxServerBacklogBytes);
    if (isBehind === this.isPaused || this.session.isOver) return;
    this.isPaused = isBehind;
    if (isBehind) this.session.stream.pause();
    else this.session.stream.resume();
  }

  /** Reads messages from `bytes[start..end)` (borrowed); returns where it stopped. */
  private consume(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.streaming > 0) {
        const count = Math.min(this.streaming, end - at);
        if (!this.isStreamDropped) this.session.server?.send(bytes, at, at + count);
        this.streaming -= count;
        at += count;
        if (this.streaming === 0 && this.session.server !== undefined) this.session.server.isMidMessage = false;
        continue;
      }
      if (this.session.isBlocked || end - at < 5) break;
      const code = bytes[at]!;
      const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
      if (!this.checkMessage(code, length)) return end;
      const total = length + 1;
      const isWhole = end - at >= total;
      if (this.isSkipping || this.session.server?.isSkipping === true) {
        if (code === FrontendCode.Terminate) {
          this.session.close();
          return end;
        }
        if (code !== FrontendCode.Sync) {
          if (this.session.forwarder.planRetry.isRetrying) {
            if (!isWhole && total <= this.session.context.limits.maxReplayBytes) break;
            this.session.forwarder.planRetry.sent(code, bytes, at, isWhole ? at + total : -1);
          }
          at += this.drop(total, end - at);
          continue;
        }
        if (!isWhole) break;
        if (this.isSkipping) {
          this.isSkipping = false;
          this.session.give(readyForQuery(TransactionStatus.Idle));
          at += total;
          continue;
        }
      }
      if (this.session.server === undefined) {
        const isAnswered = this.answerWithoutServer(code, total, end - at);
        if (isAnswered > 0) {
          at += isAnswered;
          continue;
        }
        if (this.session.isOver) return end;
        // Not for a part of a message that is only sent whole: others could use the connection meanwhile.
        if (isAnswered < 0 || (!isWhole && (code !== FrontendCode.Bind || end - at < maxWholeBindBytes))) break;
        this.nextBytes = bytes;
        this.nextAt = at;
        this.nextEnd = end;
        const isLent = this.session.lease.take();
        this.nextBytes = undefined;
        if (!isLent) break;
        continue;
      }
      const used = this.session.forwarder.forward(this.session.server, code, bytes, at, at + total, end);
      if (used === 0 || this.session.isOver) return this.session.isOver ? end : at;
      at += used;
    }
    return at;
  }

  /** Messages that need no server connection. Bytes used; 0 = it does need one; -1 = more bytes are needed. */
  private answerWithoutServer(code: number, total: number, available: number): number {
    switch (code) {
      case FrontendCode.CopyData:
      case FrontendCode.CopyDone:
      case FrontendCode.CopyFail:
        // The copy they belong to is over (it failed); Postgres ignores them too.
        return this.drop(total, available);
      case FrontendCode.Sync:
      case FrontendCode.Flush:
        if (available < total) return -1;
        // One with a body is Postgres' to refuse.
        if (total > 5) return 0;
        if (code === FrontendCode.Sync) this.session.give(readyForQuery(TransactionStatus.Idle));
        return total;
      case FrontendCode.Terminate:
        this.session.close();
        return -1;
      default:
        return 0;
    }
  }

  private drop(total: number, available: number): number {
    const count = Math.min(total, available);
    this.streaming = total - count;
    this.isStreamDropped = true;
    return count;
  }

  /** The forwarder sent the first part of a large message; the rest follows as it arrives. */
  streamRest(server: ServerConnection, count: number): void {
    this.streaming = count;
    this.isStreamDropped = false;
    server.isMidMessage = count > 0;
  }

  /** The rest of a large message that will not be sent. */
  streamNowhere(count: number): void {
    this.streaming = count;
    this.isStreamDropped = true;
  }

  private checkMessage(code: number, length: number): boolean {
    if (isKnown[code] === 0) {
      this.session.lastWords.sayAfterAnswers(unknownType(code));
      return false;
    }
    if (length < 4 || (length > smallMessageBytes && !largeCodes.has(code))) {
      // Postgres closes without a word here; a word helps whoever looks for the fault.
      this.session.fail(errorMessage('FATAL', '08P01', 'invalid message length'));
      return false;
    }
    const { maxMessageBytes } = this.session.context.limits;
    if (length > maxMessageBytes && wholeCodes.has(code)) {
      this.session.fail(
        errorMessage('FATAL', '54000', `message of ${length} bytes exceeds the limit of ${maxMessageBytes} bytes`),
      );
      return false;
    }
    return true;
  }

  /** An error of ours for the segment that could not begin: a Query is answered whole, the rest skipped to its Sync. */
  failSegment(message: Uint8Array): void {
    this.session.give(message);
    const code = this.held.bytes[this.held.start];
    if (code === FrontendCode.Query || code === FrontendCode.FunctionCall) {
      const { bytes, start, length } = this.held;
      const total = 1 + new DataView(bytes.buffer, bytes.byteOffset + start + 1).getUint32(0);
      this.held.consume(this.drop(total, length));
      this.session.give(readyForQuery(TransactionStatus.Idle));
    } else this.isSkipping = true;
  }
}

function unknownType(code: number): Uint8Array {
  return encodeErrorResponse({
    severity: 'FATAL',
    severityNonLocalized: 'FATAL',
    code: '08P01',
    message: `invalid frontend message type ${code}`,
    routine: 'SocketBackend',
  });
}
