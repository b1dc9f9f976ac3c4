/** Headers of every answer: `withAccelerateInfo()` reads all four, and a missing one becomes an Invalid Date or worse. */

export interface ResponseFacts {
  readonly requestId: string;
  keyId: string | undefined;
  cacheStatus: 'ttl' | 'swr' | 'miss' | 'none';
  /** Of the result. */
  ageMs: number;
  /** Names the query: the same for everybody who asks for the same. */
  signature?: string;
}

/** The part of `cf-ray` behind the dash is what the client shows as region. */
const region = 'SELF';

export function createResponseHeaders(facts: ResponseFacts): Record<string, string> {
  return {
    'content-type': 'application/json',
    // Results are kept here, by the rules the caller gave; nobody in between may.
    'cache-control': 'no-store',
    'accelerate-cache-status': facts.cacheStatus,
    'last-modified': new Date(Date.now() - facts.ageMs).toUTCString(),
    'cf-ray': `${facts.requestId}-${region}`,
    'accelerate-signature': facts.signature ?? facts.requestId,
  };
}
