/** A caller who has just connected, as every frontend hands it to start-up. */
import type { GatewayError } from '@postern/contract';
import type { ByteStream } from '@postern/pool';

export interface Caller {
  readonly transport: 'ws' | 'tcp';
  readonly stream: ByteStream;
  /** Network address of the peer, without port: for logs and limits. */
  readonly address: string;
  /** Host header or TLS server name. */
  readonly host?: string | undefined;
  /** wsproxy's `?address=host:port`. */
  readonly targetAddress?: string | undefined;
  /** Gateway options in the URL of a WebSocket: `?pooled=true`, `?endpoint=…`. */
  readonly urlOptions?: ReadonlyMap<string, string> | undefined;
  /** Absent: the transport cannot, or no certificate is configured; TLS requests are answered `N`. */
  readonly upgradeToTls?: ((options: TlsUpgrade) => Promise<SecuredStream>) | undefined;
  /** Why it is told to go elsewhere, once it has said who it is. */
  readonly refusal?: GatewayError | undefined;
  /** What an HTTP client is told that came here; absent: what it sends is no Postgres protocol, as anything else. */
  readonly httpAnswer?: (() => { readonly error: GatewayError; readonly bytes: Uint8Array }) | undefined;
  /** Sends what was written and closes; for transports that can say why. */
  end(closeCode: number, reason: string): void;
  /** Start-up is over: its limits for strangers no longer hold. */
  authenticated(): void;
  /** Calls back once when the connection is gone, whoever owns the stream by then. */
  whenClosed(callback: () => void): void;
}

export interface TlsUpgrade {
  /** Bytes of the handshake that have been read already. */
  received: Uint8Array;
  /** Without an SSLRequest first: the client must name the protocol (ALPN), or this could be any TLS client. */
  isDirect: boolean;
}

export interface SecuredStream {
  stream: ByteStream;
  serverName: string | undefined;
}
