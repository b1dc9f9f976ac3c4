/** `@postern/serverless`: everything. */
export * from './http.ts';
