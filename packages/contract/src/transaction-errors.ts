// Errors of interactive transactions over HTTP: rows of the catalogue in error-catalogue.ts.

import type { ErrorCatalogueEntry } from './error-catalogue.ts';

export type TransactionErrorCode =
  | 'transaction_unknown'
  | 'transaction_expired'
  | 'transaction_failed'
  | 'transaction_busy'
  | 'too_many_transactions';

const refused = {
  severity: 'ERROR',
  httpStatus: 400,
  prismaCode: 'P2028',
} as const;

export const transactionErrors: Readonly<Record<TransactionErrorCode, ErrorCatalogueEntry>> = {
  transaction_unknown: {
    ...refused,
    sqlstate: '25P01',
    closeCode: 1008,
    safeToRetry: false,
    meaning:
      'No open transaction has this token: it never had, it is over, or it belongs to other credentials or another gateway process.',
    cure: 'Begin the transaction again; its token works with the same connection string only.',
  },
  transaction_expired: {
    ...refused,
    sqlstate: '25P04',
    closeCode: 1008,
    safeToRetry: false,
    meaning: 'The transaction took longer than allowed, or nothing was sent in it for too long; it was rolled back.',
    cure: 'Do less within the transaction, or raise its time limit (Postern-Transaction-Timeout).',
  },
  transaction_failed: {
    ...refused,
    sqlstate: '25P02',
    closeCode: 1008,
    safeToRetry: false,
    meaning: 'A transaction in which a statement had failed was to be committed; Postgres rolled it back.',
    cure: 'Roll back after an error, or set a savepoint before a statement that may fail.',
  },
  transaction_busy: {
    ...refused,
    sqlstate: '53400',
    closeCode: 1013,
    safeToRetry: true,
    meaning: 'Too many requests wait for their turn in one transaction.',
    cure: 'Wait for answers before sending more, or send several statements in one request.',
  },
  too_many_transactions: {
    ...refused,
    sqlstate: '53400',
    closeCode: 1013,
    safeToRetry: true,
    meaning: 'The gateway holds as many interactive transactions over HTTP as it may.',
    cure: 'End transactions sooner, or use a batch: it needs no transaction between requests.',
  },
};
