/**
 * What one caller was told of the rows of its prepared statements. Many drivers decode by what a Describe said once; Postgres
 * refuses to run a statement that has come to return something else (0A000), and where a connection has it newly parsed,
 * this does. Rules: reference/pooling.md §2.13.
 */
import { FrontendCode } from '@postern/wire';
import { Action, Expect } from './reply-queue.ts';
import { shapeOf } from './result-shape.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { nameKey } from './session-statements.ts';
import { countedRef, type StatementRef } from './statement-ref.ts';
import type { StatementSupply } from './statement-supply.ts';
import { renewStatement, type Statement } from './statements.ts';

export class ToldShapes {
  private readonly session: PooledSession;
  private readonly supply: StatementSupply;
  /** The statement of the portal last bound, if a Describe of that tells something new about it. */
  private toDescribe: Statement | undefined;
  private portal = '';
  /** Its rows look otherwise than the caller was told: the Bind that waits for that is refused. */
  private refused: Statement | undefined;

  constructor(session: PooledSession, supply: StatementSupply) {
    this.session = session;
    this.supply = supply;
  }

  /** Whether the Bind of this statement, read once more, is to be refused. */
  refuses(statement: Statement | undefined): boolean {
    const { refused } = this;
    this.refused = undefined;
    this.toDescribe = undefined;
    return refused !== undefined && refused === statement;
  }

  /**
   * A Bind, whose portal's name is at `bytes[nameAt..nameEnd)` and which ends at `end`, is about to be sent. It waits for the
   * answer that is returned, if any.
   */
  bind(
    server: ServerConnection,
    statement: Statement,
    bytes: Uint8Array,
    nameAt: number,
    nameEnd: number,
    end: number,
    available: number,
  ): StatementRef | undefined {
    const isInDoubt = server.unchecked.size > 0 && server.unchecked.has(statement);
    if (isInDoubt && !describesPortal(bytes, end, available, nameAt, nameEnd)) return this.check(server, statement);
    if (isInDoubt || statement.shape === undefined) {
      this.toDescribe = statement;
      this.portal = nameKey(bytes, nameAt, nameEnd);
    }
    return undefined;
  }

  /** Has Postgres tell what the statement's rows look like. */
  check(server: ServerConnection, statement: Statement): StatementRef {
    const ref: StatementRef = { kind: 'checked', statement };
    this.supply.verify(server, statement);
    server.expect(Expect.Describe, Action.Swallow, this.session, ref);
    return ref;
  }

  /** What to expect of a Describe of the portal whose name is at `bytes[nameAt..nameEnd)`. */
  describePortal(server: ServerConnection, bytes: Uint8Array, nameAt: number, nameEnd: number): StatementRef {
    const { toDescribe } = this;
    if (toDescribe === undefined || server.unsynced === 0) return countedRef;
    return nameKey(bytes, nameAt, nameEnd) === this.portal ? this.describe(server, toDescribe) : countedRef;
  }

  /** What the caller is told matters once, and where the statement may have come to return something else. */
  describe(server: ServerConnection, statement: Statement): StatementRef {
    if (statement.shape !== undefined && !server.unchecked.has(statement)) return countedRef;
    return { kind: 'described', statement };
  }

  /** This is told to the caller of the statement, or would be if it asked. */
  told(server: ServerConnection, statement: Statement, bytes: Uint8Array, start: number): void {
    server.unchecked.delete(statement);
    // What EXECUTE returns is up to the statement it names.
    if (statement.text.effects !== undefined) return;
    const shape = shapeOf(bytes, start);
    statement.shape ??= shape;
    if (shape !== statement.shape) this.supply.changed(statement, shape);
  }

  /** The answer to a check of ours, for which the caller's Bind waits if `isAwaited`. */
  checked(server: ServerConnection, statement: Statement, bytes: Uint8Array, start: number, isAwaited: boolean): void {
    if (!isAwaited) {
      this.told(server, statement, bytes, start);
      return;
    }
    server.unchecked.delete(statement);
    if (shapeOf(bytes, start) === statement.shape) return;
    this.refused = statement;
    renewStatement(statement);
  }
}

/** Whether the message at `bytes[at..available)` describes the portal named `bytes[nameAt..nameEnd]`. */
function describesPortal(bytes: Uint8Array, at: number, available: number, nameAt: number, nameEnd: number): boolean {
  if (available - at < 7 + nameEnd - nameAt || bytes[at] !== FrontendCode.Describe || bytes[at + 5] !== 0x50)
    return false;
  for (let i = nameAt; i <= nameEnd; i++) if (bytes[at + 6 + i - nameAt] !== bytes[i]) return false;
  return true;
}
