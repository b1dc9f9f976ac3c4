/**
 * The SQLSTATEs this project tests for or sends, named as in the manual's appendix A ("PostgreSQL Error Codes").
 * Not the whole table: what Postgres raises is passed on, whatever its code.
 */
export const sqlState = {
  // Class 00, 01: success and warnings
  successfulCompletion: '00000',
  warning: '01000',
  // Class 08: connection exception
  connectionException: '08000',
  sqlclientUnableToEstablishSqlconnection: '08001',
  connectionDoesNotExist: '08003',
  sqlserverRejectedEstablishmentOfSqlconnection: '08004',
  connectionFailure: '08006',
  protocolViolation: '08P01',
  // Class 0A
  featureNotSupported: '0A000',
  // Class 22: data exception
  invalidParameterValue: '22023',
  characterNotInRepertoire: '22021',
  invalidTextRepresentation: '22P02',
  invalidBinaryRepresentation: '22P03',
  // Class 23: integrity constraint violation
  integrityConstraintViolation: '23000',
  restrictViolation: '23001',
  notNullViolation: '23502',
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  checkViolation: '23514',
  exclusionViolation: '23P01',
  // Class 25: invalid transaction state
  activeSqlTransaction: '25001',
  readOnlySqlTransaction: '25006',
  noActiveSqlTransaction: '25P01',
  inFailedSqlTransaction: '25P02',
  idleInTransactionSessionTimeout: '25P03',
  transactionTimeout: '25P04',
  // Class 26, 34: names of statements and cursors
  invalidSqlStatementName: '26000',
  invalidCursorName: '34000',
  // Class 28: invalid authorization specification
  invalidAuthorizationSpecification: '28000',
  invalidPassword: '28P01',
  // Class 3D, 3F
  invalidCatalogName: '3D000',
  invalidSchemaName: '3F000',
  // Class 40: transaction rollback
  transactionRollback: '40000',
  serializationFailure: '40001',
  statementCompletionUnknown: '40003',
  deadlockDetected: '40P01',
  // Class 42: syntax error or access rule violation
  insufficientPrivilege: '42501',
  syntaxError: '42601',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  undefinedTable: '42P01',
  duplicateCursor: '42P03',
  duplicatePreparedStatement: '42P05',
  // Class 53: insufficient resources
  insufficientResources: '53000',
  diskFull: '53100',
  outOfMemory: '53200',
  tooManyConnections: '53300',
  configurationLimitExceeded: '53400',
  // Class 54: program limit exceeded
  programLimitExceeded: '54000',
  statementTooComplex: '54001',
  // Class 55: object not in prerequisite state
  objectNotInPrerequisiteState: '55000',
  lockNotAvailable: '55P03',
  // Class 57: operator intervention
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  databaseDropped: '57P04',
  idleSessionTimeout: '57P05',
  // Class 58: system error
  systemError: '58000',
  ioError: '58030',
  // Class XX: internal error
  internalError: 'XX000',
} as const;

/** The name of a SQLSTATE in `sqlState`. */
export type SqlStateName = keyof typeof sqlState;
