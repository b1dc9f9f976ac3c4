/** What a request does with an open interactive transaction: runs something in it, or ends it. Within the plan's time. */
import type { Clock } from '@postern/pool';
import type { Transaction } from '@prisma/driver-adapter-utils';
import { createRequestScope, type RequestScope } from './request-scope.ts';
import type { Exchange } from './responder.ts';
import type { OpenTransaction, Transactions } from './transactions.ts';

export interface TransactionWork {
  /** `work` gets the transaction to run statements in. Rejects with P2028 when it is over. */
  within<T>(exchange: Exchange, id: string, work: (transaction: Transaction) => Promise<T>): Promise<T>;
  end(exchange: Exchange, id: string, how: 'commit' | 'rollback'): Promise<void>;
}

export interface TransactionWorkOptions {
  readonly transactions: Transactions;
  readonly clock: Clock;
}

export function createTransactionWork({ transactions, clock }: TransactionWorkOptions): TransactionWork {
  function scopeOf({ tenant, request }: Exchange, transaction: OpenTransaction): RequestScope {
    const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal: request.signal });
    if (transaction.session !== undefined) scope.watch(transaction.session);
    return scope;
  }
  return {
    async within(exchange, id, work) {
      const transaction = transactions.find(exchange.tenant, id);
      const queryable = await transaction.queryable();
      return scopeOf(exchange, transaction).run(() => work(queryable));
    },
    async end(exchange, id, how) {
      const transaction = transactions.find(exchange.tenant, id);
      await scopeOf(exchange, transaction).run(() => transaction[how](exchange.telemetry));
    },
  };
}
