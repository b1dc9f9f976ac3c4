import type { UnnamedChange } from './session-unnamed.ts';
import type { Statement } from './statements.ts';

/** What to put right when a Parse or a statement's Close was not carried out. */
export type StatementRef =
  | { readonly kind: 'named'; readonly key: string; readonly statement: Statement }
  | { readonly kind: 'injected'; readonly statement: Statement }
  | { readonly kind: 'evicted'; readonly statement: Statement; readonly generation: number }
  | UnnamedChange
  | { readonly kind: 'injected-unnamed' }
  /** Bind, Describe and Execute: their answers are counted in case the segment must be repeated. */
  | { readonly kind: 'counted' }
  /** The name is another statement's already: errors say it as the caller wrote it. */
  | { readonly kind: 'taken'; readonly statement: Statement; readonly name: string }
  /** The server's error is given out in these words instead. */
  | { readonly kind: 'error'; readonly message: Uint8Array };

export const countedRef: StatementRef = { kind: 'counted' };
