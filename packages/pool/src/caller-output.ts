/**
 * What a caller is sent: answers as they come, parameters as they change, and its server connection held back while it
 * does not read. The counterpart of caller-input.ts.
 */
import { encodeParameterStatus } from '@postern/wire';
import { changedParameters, type ParameterSet } from './parameter-set.ts';
import { moveOthersOn } from './riding.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';

/** A rider may leave so many times `maxCallerBacklogBytes` unread before its fellows are sent elsewhere. */
const riderBacklogFactor = 16;

export class CallerOutput {
  private readonly session: PooledSession;
  /** The server connection is not read until the caller has read more. */
  isServerPaused = false;
  /** The parameters the caller believes in. */
  private told: ParameterSet | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** Answers (borrowed). True when their very memory was kept. */
  receive(bytes: Uint8Array, start: number, end: number): boolean {
    const { session } = this;
    if (session.isOver) return false;
    const { context, stream, server } = session;
    const isKept = context.toCaller.append(stream, bytes, start, end);
    const { maxCallerBacklogBytes } = context.limits;
    if (stream.bufferedBytes > maxCallerBacklogBytes && server !== undefined) this.pauseServer(server);
    return isKept;
  }

  private pauseServer(server: ServerConnection): void {
    const { context, stream } = this.session;
    if (this.isServerPaused) return;
    if (server.riders > 1) {
      if (stream.bufferedBytes <= riderBacklogFactor * context.limits.maxCallerBacklogBytes) return;
      moveOthersOn(server);
    }
    // Nobody gets on meanwhile.
    if (server.riders > 0) server.isDraining = true;
    this.isServerPaused = true;
    server.stream.pause();
  }

  /** The caller reads again, or its server connection is about to be somebody else's. */
  resumeServer(): void {
    if (!this.isServerPaused) return;
    this.isServerPaused = false;
    this.session.server?.stream.resume();
  }

  /** A message of the engine's own. */
  give(message: Uint8Array): void {
    const { session } = this;
    if (!session.isOver) session.context.toCaller.append(session.stream, message, 0, message.length);
  }

  /** The first the caller hears: everything in `parameters` is part of `messages`. */
  greet(parameters: ParameterSet, messages: readonly Uint8Array[]): void {
    this.told = parameters;
    for (const message of messages) this.give(message);
  }

  tellParameters(parameters: ParameterSet): void {
    const { told } = this;
    if (told === parameters) return;
    this.told = parameters;
    if (told === undefined) return;
    for (const [name, value] of changedParameters(told, parameters)) this.give(encodeParameterStatus(name, value));
  }
}
