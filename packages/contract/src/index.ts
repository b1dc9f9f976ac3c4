export { type GatewayOptions, type SplitOptions, searchPathOf, splitOptions } from './connection-options.ts';
export { type ConnectionString, parseConnectionString } from './connection-string.ts';
export {
  type ErrorCatalogueEntry,
  errorCatalogue,
  type GatewayErrorCode,
  isGatewayErrorCode,
} from './error-catalogue.ts';
export {
  GatewayError,
  type GatewayErrorExtras,
  passwordAuthenticationFailed,
  toGatewayError,
} from './gateway-error.ts';
export {
  cacheTagsHeader,
  parseSqlExtensions,
  posternHeader,
  posternVersion,
  type SqlExtensions,
  streamHeader,
  type TransactionEnd,
  type TransactionRequest,
  type TransactionState,
  transactionEndHeader,
  transactionHeader,
  transactionTimeoutHeader,
  transactionTokenBytes,
} from './postern-headers.ts';
export { type RowStreamEnd, type RowStreamHead, type RowStreamRow, rowStreamContentType } from './row-stream.ts';
export {
  createSessionFrameDecoder,
  decodeHello,
  encodeHello,
  encodeSessionCredit,
  encodeSessionEnd,
  encodeSessionFrame,
  type SessionFrameDecoder,
  SessionFrameError,
  type SessionFrameHandler,
  sessionLimits,
  sessionSubprotocol,
} from './session-frames.ts';
export {
  type BatchOptions,
  type IsolationLevel,
  isolationLevels,
  parseBatchOptions,
  type SqlBatchResult,
  type SqlErrorBody,
  type SqlField,
  type SqlResult,
  sqlHeader,
  sqlPath,
} from './sql-over-http.ts';
export { parseSqlRequestBody, type SqlRequestBody, type SqlStatement } from './sql-request-body.ts';
