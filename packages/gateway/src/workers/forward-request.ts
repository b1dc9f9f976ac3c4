/** A request that another worker has to answer, free of any HTTP server. The Node side is ../node/peer-requests.ts. */
import type { StreamedBody } from '../http/streamed-body.ts';

export interface ForwardedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** By lower-case names; there are secrets in them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string | undefined;
  /** `listener` is called when the caller goes away. */
  onAbort(listener: () => void): void;
}

export interface ForwardedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | StreamedBody;
}

/** Rejects with a GatewayError when the worker is gone. */
export type ForwardRequest = (worker: number, request: ForwardedRequest) => Promise<ForwardedReply>;

/** Tells the other worker who the caller is; taken at its word there, as nobody else can reach it. */
export const remoteAddressHeader = 'postern-remote-address';
