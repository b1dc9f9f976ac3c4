/** `@postern/serverless`: everything. */
export * from './http.ts';
// Of the two objects of this name the one that has more.
export { type PgTypes, pgTypes as types } from './pg/types.ts';
export * from './pg.ts';
export { pointAtPostern } from './point-at-postern.ts';
export { type TypeOptions, typeParsers } from './values/type-parsers.ts';

/** Does nothing: there for programs that call it. Whether SQL from a browser is safe is for the gateway's settings to say. */
export function warnIfBrowser(): void {}
