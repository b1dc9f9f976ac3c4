// BEGIN and the first statement in one message, under one Sync: if BEGIN fails, Postgres skips the statement. Two queries in a
// row would be as fast, but the second would then run outside of any transaction.

import type { PoolClient, Submittable } from '@postern/serverless';
import type { Statement, StatementResult } from '../transport.ts';

export interface FirstStatement {
  /** Rejects when there is no transaction, resolves when there is one, failed or not. */
  readonly begun: Promise<void>;
  readonly result: Promise<StatementResult>;
}

/** The statement must be a single one. */
export function runWithBegin(client: PoolClient, begin: string, { text, values }: Statement): FirstStatement {
  let fields: StatementResult['fields'] = [];
  const rows: (string | null)[][] = [];
  /** Of BEGIN, then of the statement. */
  const tags: string[] = [];
  let confirm: () => void = () => {};
  let refuse: (error: unknown) => void = () => {};
  const begun = new Promise<void>((resolve, reject) => {
    confirm = resolve;
    refuse = reject;
  });
  begun.catch(() => {}); // whoever has `result` knows
  const result = new Promise<StatementResult>((resolve, reject) => {
    const submission: Submittable = {
      // What cannot be sent (a NUL in the text) is an error of the statement; nothing of it goes out.
      submit: (connection) =>
        connection.attempt(() => {
          connection.parse({ text: begin });
          connection.bind({});
          connection.execute({});
          connection.parse({ text });
          connection.bind({ values });
          connection.describe({ type: 'P' });
          connection.execute({});
          connection.sync();
        }),
      handleRowDescription(message) {
        fields = message.fields;
      },
      handleDataRow(message) {
        rows.push(message.fields as (string | null)[]); // asked for as text
      },
      handleCommandComplete(message) {
        tags.push(message.text);
        confirm();
      },
      handleCopyInResponse(connection) {
        connection.sendCopyFail('No source stream defined');
        connection.sync(); // the one that came during COPY was not heard
      },
      handleError(error) {
        refuse(error);
        reject(error);
      },
      handleReadyForQuery() {
        const count = /\d+$/.exec(tags[1] ?? '')?.[0];
        resolve({ fields, rows, rowCount: count === undefined ? null : Number(count) });
      },
    };
    client.query(submission);
  });
  return { begun, result };
}
