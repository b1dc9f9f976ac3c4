/** What the log gets to know of a request. Neither SQL nor values nor keys. */
export interface AccelerateEvent {
  readonly event: 'http_accelerate';
  readonly requestId: string;
  /** `query`, `transaction/start` … */
  readonly route: string;
  readonly status: number;
  /** Id of the API key. */
  readonly key?: string;
  /** Where the result came from, when the caller asked for caching. */
  readonly cache?: 'ttl' | 'swr' | 'miss';
  /** Prisma's code of the error, if it was one. */
  readonly code?: string;
  readonly message?: string;
  /** For operators only. */
  readonly detail?: string;
  /** Of errors nobody expected. */
  readonly stack?: string;
  readonly durationMs: number;
}
