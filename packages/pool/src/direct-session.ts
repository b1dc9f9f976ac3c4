/** A session with a server connection of its own: bytes pass both ways untouched; only the cancel key is ours. */
import type { ByteStream } from './byte-stream.ts';
import { retryWithin } from './connect-retry.ts';
import type { EngineContext } from './engine-context.ts';
import { errorMessage } from './error-message.ts';
import type { Identity, Target } from './identity.ts';
import { openConnection } from './open-connection.ts';
import { connectFailed } from './pool-errors.ts';
import type { LoginFacts } from './server-connection.ts';

export interface DirectSessionOptions {
  readonly context: EngineContext;
  readonly target: Target;
  readonly identity: Identity;
  readonly stream: ByteStream;
  readonly parameters: ReadonlyMap<string, string>;
  readonly connectTimeoutMs: number;
  readonly protocolMinor: 0 | 2;
  readonly initialBytes: Uint8Array | undefined;
  /** What to tell the caller once Postgres has let us in; `processId` is the server's own. */
  greeting(session: DirectSession, server: LoginFacts): readonly Uint8Array[];
  onClosed(session: DirectSession): void;
}

/** Terminate, and ReadyForQuery in state idle: what the last bytes of a direction say about its end. */
const terminate = [0x58, 0, 0, 0, 4] as const;
const readyIdle = [0x5a, 0, 0, 0, 5, 0x49] as const;

export class DirectSession {
  processId = 0;
  onOpened: (() => void) | undefined;
  phase: 'opening' | 'open' | 'closed' = 'opening';
  /** Nothing runs and no transaction is open, as far as the last answer tells. */
  isIdle = true;
  private readonly options: DirectSessionOptions;
  private server: LoginFacts | undefined;
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private isTerminated = false;

  constructor(options: DirectSessionOptions) {
    this.options = options;
    const { stream, initialBytes } = options;
    if (initialBytes !== undefined && initialBytes.length > 0) this.hold(initialBytes);
    stream.onData = (bytes): boolean => this.fromCaller(bytes);
    stream.onDrain = (): void => this.server?.stream.resume();
    stream.onClose = (): void => this.callerClosed();
    this.connect().catch((error: unknown) => this.fail(connectFailed(error)));
  }

  private async connect(): Promise<void> {
    const { context, target, identity } = this.options;
    const server = await retryWithin({
      clock: context.clock,
      budgetMs: this.options.connectTimeoutMs,
      attempt: (leftMs) =>
        openConnection(context, {
          target,
          identity,
          parameters: this.options.parameters,
          minor: this.options.protocolMinor,
          timeoutMs: Math.min(context.limits.loginTimeoutMs, leftMs),
        }),
      isOver: () => this.isOver,
    });
    this.opened(server);
  }

  private get isOver(): boolean {
    return this.phase === 'closed' || this.options.context.isClosing;
  }

  private opened(server: LoginFacts): void {
    if (this.isOver) {
      server.stream.destroy();
      return;
    }
    const { stream } = this.options;
    this.server = server;
    this.phase = 'open';
    server.stream.onData = (bytes): boolean => {
      this.isIdle = endsWith(bytes, readyIdle);
      const isTaken = stream.write(bytes);
      if (stream.bufferedBytes > this.options.context.limits.maxCallerBacklogBytes) server.stream.pause();
      return !isTaken;
    };
    server.stream.onDrain = (): void => stream.resume();
    server.stream.onClose = (): void => this.close();
    for (const message of this.options.greeting(this, server)) stream.write(message.slice());
    this.onOpened?.();
    const held = this.held;
    this.held = [];
    for (const bytes of held) this.fromCaller(bytes);
    stream.resume();
  }

  private hold(bytes: Uint8Array): void {
    this.held.push(new Uint8Array(bytes));
    this.heldBytes += bytes.length;
    if (this.heldBytes > this.options.context.limits.maxHeldBytes) this.options.stream.pause();
  }

  private fromCaller(bytes: Uint8Array): boolean {
    const { server } = this;
    if (server === undefined) {
      this.hold(bytes);
      return false;
    }
    this.isIdle = false;
    this.isTerminated = endsWith(bytes, terminate);
    server.stream.write(new Uint8Array(bytes));
    if (server.stream.bufferedBytes > this.options.context.limits.maxServerBacklogBytes) this.options.stream.pause();
    return false;
  }

  private callerClosed(): void {
    const { server } = this;
    if (server !== undefined && !this.isIdle && !this.isTerminated) {
      // Postgres would not notice before the statement is over.
      const destroy = (): void => server.stream.destroy();
      this.options.context.cancelOnServer(this.options.target, server).then(destroy, destroy);
      this.server = undefined;
    }
    this.close();
  }

  fail(error: unknown): void {
    if (this.phase === 'closed') return;
    this.options.stream.write(errorMessage('FATAL', '', error));
    this.close();
  }

  close(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.held = [];
    this.options.stream.end();
    this.server?.stream.end();
    this.options.onClosed(this);
  }

  async cancel(): Promise<void> {
    if (this.server !== undefined) await this.options.context.cancelOnServer(this.options.target, this.server);
  }
}

function endsWith(bytes: Uint8Array, end: readonly number[]): boolean {
  if (bytes.length < end.length) return false;
  for (let i = 0; i < end.length; i++) if (bytes[bytes.length - end.length + i] !== end[i]) return false;
  return true;
}
