// Where the bundler puts the generated client.
declare module 'generated-client' {
  import type { SuiteClient } from '@postern/test-prisma-suite';

  export const PrismaClient: new (options: object) => SuiteClient;
}
