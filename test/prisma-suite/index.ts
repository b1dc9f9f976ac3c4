export { createPrismaVersion, type PrismaPackages } from './create-prisma-version.ts';
export { describeDifferences, type SuiteSetup } from './describe-differences.ts';
export { type GenerateOptions, generateClient } from './generate-client.ts';
export { type Operation, operations } from './operations/index.ts';
export { type Outcome, outcomeOf } from './outcome.ts';
export type {
  ClientOptions,
  Model,
  PrismaVersion,
  SuiteClient,
  TransactionClient,
  TransactionOptions,
} from './suite-client.ts';
export { createSuiteDatabase, oddSchema, searchPathOption, writeDifferently } from './suite-database.ts';
