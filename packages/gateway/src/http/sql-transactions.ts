// The interactive transactions of all callers: tokens, whose they are, and how many there may be.

import { GatewayError, transactionTokenBytes } from '@postern/contract';
import type { ByteStream, Clock } from '@postern/pool';
import { constantTimeEqual, encodeText } from '@postern/wire';
import {
  fateError,
  type InteractiveTransaction,
  startInteractiveTransaction,
  type TransactionFate,
  type TransactionTurn,
} from './interactive-transaction.ts';

export interface TransactionLimits {
  /** Transactions at once: each holds a server connection, or waits for one. */
  readonly maxTransactions: number;
  /** Longest pause between two requests: for so long a caller that died holds its locks. */
  readonly idleTimeoutMs: number;
  /** The whole transaction, when `begin` does not say. */
  readonly totalTimeoutMs: number;
  /** The most that `begin` can ask for. */
  readonly maxTotalTimeoutMs: number;
  /** Requests that wait for their turn in one transaction. */
  readonly maxWaitingRequests: number;
  /** Transactions whose fate is remembered, to tell "expired" from "unknown". */
  readonly maxRemembered: number;
}

export const defaultTransactionLimits: TransactionLimits = {
  maxTransactions: 1_000,
  idleTimeoutMs: 15_000,
  totalTimeoutMs: 60_000,
  maxTotalTimeoutMs: 300_000,
  maxWaitingRequests: 16,
  maxRemembered: 1_000,
};

export interface SqlTransactionsOptions {
  readonly clock: Clock;
  /** Cryptographically strong random bytes. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly limits?: Partial<TransactionLimits> | undefined;
}

export interface BeginOptions {
  /** Who may use the transaction: equal for the same endpoint, database, role and proof, and for nobody else. */
  readonly callerKey: string;
  /** From the caller; cut to the limit. */
  readonly timeoutMs: number | undefined;
  /** Of this caller, below everybody's. */
  readonly maxTimeoutMs?: number | undefined;
  /** Starts the session, as SqlBackend.openSession does. */
  readonly open: (stream: ByteStream) => void;
}

export interface SqlTransactions {
  /** Throws a GatewayError: `too_many_transactions`, `shutting_down`. The token is a secret of the caller's: never logged. */
  begin(options: BeginOptions): { readonly token: string; readonly turn: TransactionTurn };
  /**
   * Resolves when it is this request's turn; `onAbort` registers what is to be done when its caller leaves. Rejects with a
   * GatewayError: `transaction_unknown`, `transaction_expired`, `transaction_busy`, `server_connection_lost`.
   */
  enter(
    token: string,
    callerKey: string,
    onAbort: (listener: (reason?: GatewayError) => void) => void,
  ): Promise<TransactionTurn>;
  /** Begins nothing new from now on. */
  close(): void;
  readonly size: number;
}

/** Transactions are found by the first part of their token and recognised by all of it. */
const lookupCharacters = 16;

interface Entry {
  readonly token: string;
  readonly callerKey: string;
}

export function createSqlTransactions(options: SqlTransactionsOptions): SqlTransactions {
  const { clock, randomBytes } = options;
  const limits: TransactionLimits = { ...defaultTransactionLimits, ...options.limits };
  const live = new Map<string, Entry & { readonly transaction: InteractiveTransaction }>();
  const over = new Map<string, Entry & { readonly fate: TransactionFate }>();
  let isClosing = false;

  function remember(key: string, entry: Entry, fate: TransactionFate): void {
    live.delete(key);
    // Ended is what everything is that nobody remembers.
    if (fate === 'ended') return;
    over.set(key, { ...entry, fate });
    for (const oldest of over.keys()) {
      if (over.size <= limits.maxRemembered) break;
      over.delete(oldest);
    }
  }

  return {
    begin({ callerKey, timeoutMs = limits.totalTimeoutMs, maxTimeoutMs = limits.maxTotalTimeoutMs, open }) {
      if (isClosing) throw new GatewayError('shutting_down', 'the gateway is shutting down and begins no transaction');
      if (live.size >= limits.maxTransactions) {
        const message = `the gateway has its maximum of ${limits.maxTransactions} interactive transactions`;
        throw new GatewayError('too_many_transactions', message);
      }
      const token = toBase64Url(randomBytes(transactionTokenBytes));
      const key = token.slice(0, lookupCharacters);
      const entry: Entry = { token, callerKey };
      const transaction = startInteractiveTransaction({
        clock,
        idleTimeoutMs: limits.idleTimeoutMs,
        totalTimeoutMs: Math.min(timeoutMs, maxTimeoutMs, limits.maxTotalTimeoutMs),
        maxWaitingRequests: limits.maxWaitingRequests,
        open,
        onOver: (fate) => remember(key, entry, fate),
      });
      live.set(key, { ...entry, transaction });
      return { token, turn: transaction.firstTurn };
    },
    async enter(token, callerKey, onAbort) {
      const key = token.slice(0, lookupCharacters);
      const found = live.get(key) ?? over.get(key);
      // Somebody else's token is as unknown as one that never was.
      if (found === undefined || !isSame(found.token, token) || found.callerKey !== callerKey) throw fateError('ended');
      if ('fate' in found) throw fateError(found.fate);
      return found.transaction.enter(onAbort);
    },
    close() {
      isClosing = true;
    },
    get size() {
      return live.size;
    },
  };
}

/** In a time that does not tell how much of it is right. */
function isSame(left: string, right: string): boolean {
  return constantTimeEqual(encodeText(left), encodeText(right));
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
