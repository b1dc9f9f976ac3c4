/** `@postern/serverless/types`: how values are parsed, for whoever wants it otherwise. */
export { type TypeOptions, typeParsers } from './values/type-parsers.ts';
export { type CustomTypes, type TypeParser, type Types, types } from './values/types.ts';
