// The body of a streamed result (`Postern-Stream: true`): lines of JSON. First the columns, then the rows, one array of
// texts each, last what became of the statement. A body that ends without a last line was cut off: the result is not whole.
// An error before the first line is an ordinary error response; behind it, it is the last line.

import type { TransactionState } from './postern-headers.ts';
import type { SqlErrorBody, SqlField } from './sql-over-http.ts';

/** Content-Type of the response. */
export const rowStreamContentType = 'application/x-ndjson';

export interface RowStreamHead {
  /** Empty for a statement without a result. */
  readonly fields: readonly SqlField[];
}

/** A row: values as Postgres writes them as text. */
export type RowStreamRow = readonly (string | null)[];

export type RowStreamEnd =
  /** As in a whole result; `rowCount` is Postgres' own count. `transaction`: of a request with a transaction. */
  | { readonly command: string; readonly rowCount: number | null; readonly transaction?: TransactionState }
  | { readonly error: SqlErrorBody; readonly transaction?: TransactionState };
