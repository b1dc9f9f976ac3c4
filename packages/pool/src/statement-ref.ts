import type { UnnamedChange } from './session-unnamed.ts';
import type { Statement } from './statements.ts';

/** What to put right when a Parse or a statement's Close was not carried out. */
export type StatementRef =
  | { readonly kind: 'named'; readonly key: string; readonly statement: Statement; readonly generation: number }
  /** A Describe in place of the Parse of a statement that the connection has already. */
  | { readonly kind: 'verified'; readonly key: string; readonly statement: Statement }
  /** A Describe that tells the caller what the statement's rows look like. */
  | { readonly kind: 'described'; readonly statement: Statement }
  /** A Describe of ours, whether they look as the caller was told. */
  | { readonly kind: 'checked'; readonly statement: Statement }
  /** A Parse of ours in front of a message that `routine` of Postgres takes care of. */
  | {
      readonly kind: 'injected';
      readonly statement: Statement;
      readonly generation: number;
      readonly routine: string;
    }
  | { readonly kind: 'removed'; readonly statement: Statement; readonly generation: number }
  | UnnamedChange
  /** A Parse of ours of the unnamed statement; `change`: of another than the caller's last one. */
  | { readonly kind: 'injected-unnamed'; readonly change: UnnamedChange | undefined }
  /** The answer is only counted, in case the segment must be repeated. */
  | { readonly kind: 'counted' }
  /** The server's error is given out in these words instead. */
  | { readonly kind: 'error'; readonly message: Uint8Array };

export const countedRef: StatementRef = { kind: 'counted' };
