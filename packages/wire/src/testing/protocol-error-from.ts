import { ProtocolError } from '../protocol-error.ts';

/** The ProtocolError `run` throws. Anything else, a return included, fails the test. */
export function protocolErrorFrom(run: () => unknown): ProtocolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('no ProtocolError was thrown');
}
