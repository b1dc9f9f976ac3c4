export { type GatewayOptions, type SplitOptions, splitOptions } from './connection-options.ts';
export { type ConnectionString, parseConnectionString, redactConnectionString } from './connection-string.ts';
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
