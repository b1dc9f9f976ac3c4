/** How statements leave: each on its own, or one after the other within a transaction. */
import type { HTTPTransactionOptions } from './options.ts';
import type { ParameterizedQuery } from './template.ts';

export type Headers = Readonly<Record<string, string | undefined>>;

export interface Sent {
  readonly response: Response;
  /** To be called when the body has been read, with the error if that, or the statement, failed. */
  done(error?: unknown): void;
}

export interface Sender {
  send(query: ParameterizedQuery, headers: Headers, options: HTTPTransactionOptions): Promise<Sent>;
}

/** What BEGIN says. */
export function batchHeaders(options: HTTPTransactionOptions): Headers {
  const { isolationLevel, readOnly, deferrable } = options;
  return {
    'Neon-Batch-Isolation-Level': isolationLevel,
    'Neon-Batch-Read-Only': readOnly?.toString(),
    'Neon-Batch-Deferrable': deferrable?.toString(),
  };
}
