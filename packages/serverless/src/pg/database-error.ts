import { type ErrorDetails, PosternError } from '../postern-error.ts';

/** An error (or notice) Postgres sent over a WebSocket, as node-postgres names it. */
export class DatabaseError extends PosternError {
  /** Bytes of the message on the wire. */
  declare readonly length: number;

  /** `name` is the kind of message: `error` or `notice`. */
  constructor(message: string, length: number, name: string, details: ErrorDetails = {}) {
    super(message, details);
    this.name = name;
    this.length = length;
  }
}
