/** Who logs in where: what decides which server connections are interchangeable. */
import type { ByteStream } from './byte-stream.ts';

/** Where Postgres is. `host` starting with '/' is the folder of a unix socket. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly tls: 'disable' | 'prefer' | 'require' | 'verify-full';
  /** File of the certificates to trust, PEM; the system's when left out. */
  readonly rootCertificates?: string | undefined;
  /** Server connections that pooled sessions of one identity share; the engine's default when left out. */
  readonly poolSize?: number | undefined;
}

/** What proves an identity to Postgres. SCRAM keys come from a caller's own SCRAM exchange; no password is known then. */
export type Secret =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'scram-keys'; readonly clientKey: Uint8Array; readonly serverKey: Uint8Array }
  | { readonly kind: 'trust' };

/** One Postgres role with one proof. Sessions of the same `id` may share server connections, others never do. */
export interface Identity {
  readonly id: string;
  readonly user: string;
  readonly secret: Secret;
}

/**
 * Opens a byte stream to Postgres; rejects with an Error whose `code` is the system's (ECONNREFUSED, ENOTFOUND …), and which
 * is a FinalDialError where trying again will not help (a certificate that is not trusted).
 */
export type Dial = (target: Target) => Promise<ByteStream>;
