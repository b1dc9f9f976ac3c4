import type { Statement, UnnamedStatement } from './statements.ts';

/** What to put right when a Parse or a statement's Close was not carried out. */
export type StatementRef =
  | { readonly kind: 'named'; readonly key: string; readonly statement: Statement }
  | { readonly kind: 'injected'; readonly statement: Statement }
  | { readonly kind: 'evicted'; readonly statement: Statement; readonly generation: number }
  | { readonly kind: 'unnamed'; readonly previous: UnnamedStatement | undefined }
  | { readonly kind: 'unnamed-again' }
  | { readonly kind: 'injected-unnamed' }
  /** Bind, Describe and Execute: their answers are counted in case the segment must be repeated. */
  | { readonly kind: 'counted' }
  /** The server's error is given out in these words instead. */
  | { readonly kind: 'error'; readonly message: Uint8Array };

export const countedRef: StatementRef = { kind: 'counted' };
