// One request of a connection that is read and answered on the socket itself (sql-connection.ts).

// The global of that name is an accessor, which costs at every use.
import { Buffer } from 'node:buffer';
import type { GatewayError } from '@postern/contract';
import type { StreamSecurity } from '@postern/pool';
import type { HttpCallerPlace } from '../http/http-app.ts';
import { callerGone, requestTooLarge } from '../http/request-errors.ts';
import type { SqlHttpReply, SqlHttpRequest } from '../http/sql-handler.ts';
import { forwardedProtoHeader, isForwardedSecurely } from './caller-place.ts';
import type { SqlRequestHead } from './sql-request-head.ts';

/** What a request asks of its connection. `security`: of the socket. */
export interface RequestConnection extends HttpCallerPlace {
  respond(head: SqlRequestHead, reply: SqlHttpReply): void;
}

export class ConnectionRequest implements SqlHttpRequest {
  readonly respond: (reply: SqlHttpReply) => void;
  isAborted = false;
  private readonly connection: RequestConnection;
  private readonly headers: ReadonlyMap<string, string>;
  private body: Buffer;
  private isBodyRead = false;
  private abortListeners: ((reason?: GatewayError) => void)[] | undefined;

  constructor(connection: RequestConnection, head: SqlRequestHead, body: Buffer) {
    this.connection = connection;
    this.headers = head.headers;
    this.body = body;
    this.respond = (reply): void => connection.respond(head, reply);
  }

  /** The memory of the body is about to be used again. */
  keepBody(): void {
    if (!this.isBodyRead) this.body = Buffer.from(this.body);
  }

  header(name: string): string | undefined {
    return this.headers.get(name);
  }

  get headersKey(): object {
    return this.headers;
  }

  get remoteAddress(): string | undefined {
    return this.connection.remoteAddress;
  }

  get security(): StreamSecurity {
    const { security } = this.connection;
    if (security !== 'plain') return security;
    return isForwardedSecurely(this.headers.get(forwardedProtoHeader)) ? 'tls' : 'plain';
  }

  readBody(maxBytes: number): Uint8Array | Promise<Uint8Array> {
    if (this.isAborted) return Promise.reject(callerGone());
    this.isBodyRead = true;
    return this.body.length > maxBytes ? Promise.reject(requestTooLarge(maxBytes)) : this.body;
  }

  onAbort(listener: (reason?: GatewayError) => void): void {
    this.abortListeners ??= [];
    this.abortListeners.push(listener);
  }

  abort(): void {
    this.isAborted = true;
    for (const listener of this.abortListeners ?? []) listener();
  }
}
