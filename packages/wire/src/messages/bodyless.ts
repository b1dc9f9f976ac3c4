/** The messages that are nothing but their type. Each call returns a new array, so that nobody can spoil another's. */
import { startMessage } from '../bytes/body-writer.ts';
import { BackendCode, FrontendCode } from '../message-codes.ts';

export function encodeSync(): Uint8Array {
  return startMessage(FrontendCode.Sync, 0);
}

export function encodeFlush(): Uint8Array {
  return startMessage(FrontendCode.Flush, 0);
}

export function encodeTerminate(): Uint8Array {
  return startMessage(FrontendCode.Terminate, 0);
}

/** The same bytes in both directions. */
export function encodeCopyDone(): Uint8Array {
  return startMessage(FrontendCode.CopyDone, 0);
}

export function encodeParseComplete(): Uint8Array {
  return startMessage(BackendCode.ParseComplete, 0);
}

export function encodeBindComplete(): Uint8Array {
  return startMessage(BackendCode.BindComplete, 0);
}

export function encodeCloseComplete(): Uint8Array {
  return startMessage(BackendCode.CloseComplete, 0);
}

export function encodeEmptyQueryResponse(): Uint8Array {
  return startMessage(BackendCode.EmptyQueryResponse, 0);
}

export function encodeNoData(): Uint8Array {
  return startMessage(BackendCode.NoData, 0);
}

export function encodePortalSuspended(): Uint8Array {
  return startMessage(BackendCode.PortalSuspended, 0);
}
