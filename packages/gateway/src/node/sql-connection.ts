// One caller's HTTP connection as long as it sends nothing but plain `POST /sql` requests, read and answered on the
// socket itself: on this route node:http costs several times what the query does. The first request that is anything
// else (sql-request-head.ts) goes to node:http with the bytes already read, and the connection with it, for good.
// One request at a time: what is pipelined waits in the order it came.

// The global of that name is an accessor, which costs at every use.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { StreamSecurity } from '@postern/pool';
import { isWhole, type SqlHandler, type SqlHttpReply } from '../http/sql-handler.ts';
import type { ReadInPlace } from './accepted-socket.ts';
import { ConnectionRequest } from './connection-request.ts';
import { socketSecurity } from './socket-stream.ts';
import { SocketWriter } from './socket-writer.ts';
import { readSqlRequestHead, repeatSqlRequestHead, type SqlRequestHead } from './sql-request-head.ts';
import type { SqlResponseWriter } from './sql-response.ts';

export interface SqlConnectionOptions {
  readonly handler: SqlHandler;
  readonly responses: SqlResponseWriter;
  /** From the first byte of a request (or the start of the connection) to the end of its head, and to its last byte. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** A caller that takes nothing of its answer for so long is gone: the answer is held in memory. */
  readonly stallTimeoutMs: number;
  /** Milliseconds on any clock that does not jump. */
  readonly now: () => number;
  /** No connection is used for a further request. */
  readonly isClosing: () => boolean;
  /** The socket is somebody else's from now on: `input` has been put back, it is paused. */
  readonly handOver: (socket: Socket, input: Buffer) => void;
  /** Something was thrown where nothing may be: the end of this connection, and of no other. */
  readonly onDefect: (error: unknown) => void;
  readonly onClosed: (connection: SqlConnection) => void;
}

type Phase =
  /** Between two requests, or in the middle of a head. */
  | { readonly name: 'head' }
  | { readonly name: 'body'; readonly head: SqlRequestHead; readonly body: Buffer; length: number }
  | { readonly name: 'answering'; readonly request: ConnectionRequest }
  /** An answer is written that the caller does not read. */
  | { readonly name: 'draining' }
  /** The last answer was written. */
  | { readonly name: 'ending' }
  | { readonly name: 'over' };

const inHead: Phase = { name: 'head' };
const draining: Phase = { name: 'draining' };
const ending: Phase = { name: 'ending' };
const over: Phase = { name: 'over' };

/** Heads arrive whole, or their end is late; those in more pieces are node:http's, so that none is read over and over. */
const maxHeadPieces = 4;
/** What a caller that does not read its answer may send ahead before it is not read either for a while. */
const maxAheadBytes = 65_536;
/** Behind a request that is not answered yet: to see its caller leave, the socket has to be read. More is the end. */
const maxUnansweredBytes = 1_048_576;
/** Heads longer than this are not remembered: memory per idle connection. */
const maxRememberedHeadBytes = 2_048;
/** Time for the caller to close once the last answer has left. */
const lingerMs = 5_000;

const noBytes = Buffer.alloc(0);
const timeoutResponse = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

export class SqlConnection {
  private readonly socket: Socket;
  private readonly writer: SocketWriter;
  private readonly options: SqlConnectionOptions;
  /** For its requests. */
  readonly remoteAddress: string | undefined;
  readonly security: StreamSecurity;
  private phase: Phase = inHead;
  /** When the phase must be over, by the caller's doing; Infinity: that is not up to the caller. */
  private deadline: number;
  private startedAt: number;
  /** Received, not yet looked at; behind it what came while it had to wait. */
  private input: Buffer = noBytes;
  private ahead: Buffer[] = [];
  private aheadBytes = 0;
  private headPieces = 0;
  private knownHead: SqlRequestHead | undefined;
  private knownBytes: Buffer = noBytes;
  private readonly onData = (chunk: Buffer): void => {
    try {
      this.receive(chunk);
    } catch (error) {
      this.failed(error);
    }
  };
  /** The handler has been called and has not returned: what it answers meanwhile is followed up when it has. */
  private isInHandler = false;
  private readonly onEnd = (): void => this.callerEnded();
  private readonly onClose = (): void => this.closed();
  private readonly onDrain = (): void => {
    try {
      this.drained();
    } catch (error) {
      this.failed(error);
    }
  };
  private readonly onError = (): void => {};
  private readonly onStall = (): void => this.destroy();

  constructor(accepted: Socket, readInPlace: ReadInPlace<Buffer>, options: SqlConnectionOptions) {
    const inPlace = readInPlace(accepted, (chunk) => this.read(chunk), { isCounted: true });
    const socket = inPlace ?? accepted;
    this.socket = socket;
    this.writer = new SocketWriter(socket);
    this.writer.onDrain = this.onDrain;
    this.options = options;
    this.remoteAddress = socket.remoteAddress;
    this.security = socketSecurity(socket);
    this.startedAt = options.now();
    this.deadline = this.startedAt + options.headersTimeoutMs;
    if (inPlace === undefined) socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    // 'close' follows, and says all there is to say.
    socket.on('error', this.onError);
  }

  /** Ends the connection if its caller takes too long. */
  expire(now: number): void {
    if (now < this.deadline || this.phase === over) return;
    const isWaitedFor = this.phase.name === 'body' || this.input.length > 0 || this.knownHead === undefined;
    if (this.phase.name !== 'ending' && isWaitedFor) this.socket.write(timeoutResponse);
    this.destroy();
  }

  /** Ends it if nothing is under way on it; else it ends with the answer, because `isClosing`. */
  closeIdle(): void {
    if (this.phase.name === 'head' && this.input.length === 0) this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
    this.closed();
  }

  /** Bytes in the shared memory. False: the socket is to stop reading. */
  private read(chunk: Buffer): boolean {
    // Somebody else's by now, who listens for 'data'.
    if (this.phase === over) return this.socket.push(Buffer.from(chunk));
    this.onData(chunk);
    return true;
  }

  /** `chunk` is borrowed. */
  private receive(chunk: Buffer): void {
    const { phase } = this;
    switch (phase.name) {
      case 'head':
        if (this.input.length === 0) this.readOn(chunk);
        else this.readHeads(Buffer.concat([this.input, chunk]));
        break;
      case 'body':
        this.receiveBody(phase, chunk);
        break;
      case 'answering':
      case 'draining':
        this.keepAhead(chunk);
        break;
      default: // What follows the last request is discarded.
    }
  }

  private keepAhead(chunk: Buffer): void {
    this.ahead.push(Buffer.from(chunk));
    this.aheadBytes += chunk.length;
    if (this.phase === draining) {
      if (this.aheadBytes > maxAheadBytes) this.socket.pause();
    } else if (this.aheadBytes > maxUnansweredBytes) this.destroy();
  }

  /** The last request is answered; `bytes` (borrowed) came behind it. */
  private readOn(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.deadline = this.options.now() + this.options.keepAliveTimeoutMs;
      return;
    }
    this.headPieces = 0;
    this.readHeads(bytes);
  }

  /** A request is here in part, its first byte just now. */
  private begin(): void {
    this.startedAt = this.options.now();
    this.deadline = this.startedAt + this.options.headersTimeoutMs;
  }

  /** Answers the requests at the start of `bytes` (borrowed) as far as they are whole. A loop: there can be thousands. */
  private readHeads(bytes: Buffer): void {
    for (let rest = bytes; ; ) {
      const head = this.readHead(rest);
      if (typeof head === 'string') {
        this.input = Buffer.from(rest);
        if (this.headPieces === 0) this.begin();
        if (head === 'unusual' || ++this.headPieces >= maxHeadPieces) this.handOver();
        return;
      }
      this.input = noBytes;
      const end = head.byteLength + head.contentLength;
      if (rest.length < end) {
        if (this.headPieces === 0) this.begin();
        const phase = { name: 'body', head, body: Buffer.allocUnsafe(head.contentLength), length: 0 } as const;
        this.phase = phase;
        this.deadline = this.startedAt + this.options.requestTimeoutMs;
        this.receiveBody(phase, rest.subarray(head.byteLength));
        return;
      }
      const behind = rest.length === end ? noBytes : rest.subarray(end);
      if (!this.answer(head, rest.subarray(head.byteLength, end), behind)) return;
      if (behind.length === 0) {
        this.readOn(noBytes);
        return;
      }
      this.headPieces = 0;
      rest = behind;
    }
  }

  private readHead(input: Buffer): ReturnType<typeof readSqlRequestHead> {
    const known = this.knownHead;
    // Of a long head nothing was kept to compare with.
    const isComparable = known !== undefined && this.knownBytes.length > 0;
    const repeated = isComparable ? repeatSqlRequestHead(known, this.knownBytes, input) : undefined;
    if (repeated !== undefined) return repeated;
    const head = readSqlRequestHead(input);
    if (typeof head === 'object') {
      this.knownHead = head;
      const isKept = head.byteLength <= maxRememberedHeadBytes;
      this.knownBytes = isKept ? Buffer.from(input.subarray(0, head.byteLength)) : noBytes;
    }
    return head;
  }

  private receiveBody(phase: Extract<Phase, { name: 'body' }>, chunk: Buffer): void {
    const { head, body } = phase;
    const count = Math.min(chunk.length, body.length - phase.length);
    body.set(count === chunk.length ? chunk : chunk.subarray(0, count), phase.length);
    phase.length += count;
    if (phase.length < body.length) return;
    const behind = count < chunk.length ? chunk.subarray(count) : noBytes;
    if (this.answer(head, body, behind)) this.readOn(behind);
  }

  /** `body` and `behind`, what came behind it, are borrowed. True: it is answered, and `behind` is to be read. */
  private answer(head: SqlRequestHead, body: Buffer, behind: Buffer): boolean {
    const request = new ConnectionRequest(this, head, body);
    this.phase = { name: 'answering', request };
    this.deadline = Number.POSITIVE_INFINITY;
    this.isInHandler = true;
    this.options.handler(request, request.respond);
    this.isInHandler = false;
    if (this.phase === inHead) return true;
    if (this.phase.name === 'answering') request.keepBody();
    if (behind.length > 0 && (this.phase.name === 'answering' || this.phase === draining)) this.keepAhead(behind);
    return false;
  }

  /** Of the request being answered. */
  respond(head: SqlRequestHead, reply: SqlHttpReply): void {
    try {
      this.reply(head, reply);
    } catch (error) {
      this.failed(error);
    }
  }

  private reply(head: SqlRequestHead, reply: SqlHttpReply): void {
    const { body } = reply;
    if (!isWhole(reply)) {
      // Streams are node:http's; the request for one was not ours.
      if (!(body instanceof Uint8Array)) body.abandon();
      this.destroy();
      return;
    }
    if (this.phase.name !== 'answering') return;
    const { socket, writer, options } = this;
    const keepsAlive = head.keepsAlive && !options.isClosing();
    const isTaken = options.responses.send(writer, reply, keepsAlive);
    // To Node it is activity when the kernel takes some of it.
    if (writer.bufferedBytes > 0) socket.setTimeout(options.stallTimeoutMs, this.onStall);
    if (!keepsAlive) this.end();
    else if (isTaken) this.next();
    else this.phase = draining;
  }

  private drained(): void {
    this.socket.setTimeout(0, this.onStall);
    if (this.phase === draining) this.next();
  }

  private next(): void {
    this.phase = inHead;
    if (this.isInHandler) return;
    let ahead: Buffer = noBytes;
    if (this.ahead.length > 0) {
      ahead = this.ahead.length === 1 ? this.ahead[0]! : Buffer.concat(this.ahead);
      this.ahead = [];
      if (this.aheadBytes > maxAheadBytes) this.socket.resume();
      this.aheadBytes = 0;
    }
    this.readOn(ahead);
  }

  /** The answer is the last one. What the caller still sends is read, or closing would take the answer from it. */
  private end(): void {
    this.phase = ending;
    this.input = noBytes;
    this.ahead = [];
    this.socket.end(() => {
      this.deadline = this.options.now() + lingerMs;
    });
    this.socket.resume();
  }

  /** No more will come: as for node:http, a caller that has stopped sending is gone. */
  private callerEnded(): void {
    this.socket.end();
    this.closed();
  }

  private failed(error: unknown): void {
    this.options.onDefect(error);
    this.destroy();
  }

  private handOver(): void {
    const { socket, input } = this;
    this.phase = over;
    socket.off('data', this.onData);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    this.writer.onDrain = undefined;
    socket.pause();
    socket.unshift(input);
    this.options.onClosed(this);
    this.options.handOver(socket, input);
    socket.off('error', this.onError);
    socket.resume();
  }

  private closed(): void {
    const { phase } = this;
    if (phase === over) return;
    this.phase = over;
    this.input = noBytes;
    this.ahead = [];
    this.options.onClosed(this);
    if (phase.name === 'answering') phase.request.abort();
  }
}
