/** Postgres protocol 3 as data. See README.md. */

export type { WireValue } from './bytes/body-writer.ts';
export { concatBytes } from './bytes/concat-bytes.ts';
export { constantTimeEqual } from './bytes/constant-time-equal.ts';
export { decodeText, encodeText } from './bytes/text.ts';
export { DatabaseError, databaseErrorFrom } from './database-error.ts';
export { md5Password } from './md5-password.ts';
export { BackendCode, FrontendCode } from './message-codes.ts';
export { createMessageReader, type MessageReader, type MessageReaderOptions } from './message-reader.ts';
// Backend messages
export {
  type Authentication,
  decodeAuthentication,
  encodeAuthenticationCleartextPassword,
  encodeAuthenticationMd5Password,
  encodeAuthenticationOk,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
  encodeAuthenticationSaslFinal,
} from './messages/authentication.ts';
export { type BackendKeyData, decodeBackendKeyData, encodeBackendKeyData } from './messages/backend-key-data.ts';
// Frontend messages
export { type BindMessage, type BindOptions, decodeBind, encodeBind } from './messages/bind.ts';
export {
  encodeBindComplete,
  encodeCloseComplete,
  encodeCopyDone,
  encodeEmptyQueryResponse,
  encodeFlush,
  encodeNoData,
  encodeParseComplete,
  encodePortalSuspended,
  encodeSync,
  encodeTerminate,
} from './messages/bodyless.ts';
export { type CommandTag, commandRowCount } from './messages/command-tag.ts';
export {
  type CopyResponse,
  decodeCopyResponse,
  encodeCopyData,
  encodeCopyInResponse,
  encodeCopyOutResponse,
} from './messages/copy.ts';
export { decodeDataRow, encodeDataRow } from './messages/data-row.ts';
export {
  decodeClose,
  decodeDescribe,
  encodeClose,
  encodeDescribe,
  type ObjectReference,
} from './messages/describe-close.ts';
export {
  decodeErrorFields,
  type ErrorFields,
  encodeErrorResponse,
  encodeNoticeResponse,
} from './messages/error-response.ts';
export { decodeExecute, type ExecuteMessage, encodeExecute } from './messages/execute.ts';
export {
  decodeFunctionCall,
  encodeFunctionCall,
  type FunctionCallMessage,
  type FunctionCallOptions,
} from './messages/function-call.ts';
export {
  decodeNegotiateProtocolVersion,
  encodeNegotiateProtocolVersion,
  type NegotiateProtocolVersion,
} from './messages/negotiate-protocol-version.ts';
export {
  decodeNotification,
  encodeNotificationResponse,
  type Notification,
} from './messages/notification-response.ts';
export { decodeParameterDescription, encodeParameterDescription } from './messages/parameter-description.ts';
export { decodeParameterStatus, encodeParameterStatus, type ParameterStatus } from './messages/parameter-status.ts';
export { decodeParse, encodeParse, type ParseMessage } from './messages/parse.ts';
export { decodeReadyForQuery, encodeReadyForQuery, type TransactionStatus } from './messages/ready-for-query.ts';
export {
  decodeRowDescription,
  encodeRowDescription,
  type FieldDescription,
  type FieldDescriptionInput,
} from './messages/row-description.ts';
export {
  decodeSaslInitialResponse,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  type SaslInitialResponse,
} from './messages/sasl-response.ts';
export {
  decodeCommandComplete,
  decodePassword,
  decodeQuery,
  encodeCommandComplete,
  encodeCopyFail,
  encodePassword,
  encodeQuery,
} from './messages/single-text.ts';
// Start-up packets
export {
  encodeCancelRequest,
  encodeGssencRequest,
  encodeSslRequest,
  encodeStartupMessage,
  latestProtocolMinor,
  type StartupMessage,
} from './messages/startup-packets.ts';
export { ProtocolError, type ProtocolErrorOptions } from './protocol-error.ts';
// SCRAM-SHA-256
export {
  createScramClient,
  type ScramClient,
  type ScramClientOptions,
  type ScramMechanism,
} from './scram/client.ts';
export { deriveScramKeys, type ScramHashes, type ScramKeys } from './scram/keys.ts';
export { createScramServer, type ScramOutcome, type ScramServer, type ScramServerOptions } from './scram/server.ts';
export {
  buildScramVerifier,
  formatScramVerifier,
  mockScramVerifier,
  parseScramVerifier,
  type ScramVerifier,
} from './scram/verifier.ts';
export { type SqlStateName, sqlState } from './sql-state.ts';
export {
  createStartupDecoder,
  type StartupDecoder,
  type StartupDecoderOptions,
  type StartupPacket,
} from './startup-decoder.ts';

// Values
export {
  type ArrayLiteral,
  encodeArrayLiteral,
  parseArrayLiteral,
  type ReadonlyArrayLiteral,
} from './values/array-literal.ts';
export { decodeBytea, encodeBytea } from './values/bytea.ts';
export { Oid } from './values/oids.ts';
