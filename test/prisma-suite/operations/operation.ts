import type { SuiteClient } from '../suite-client.ts';

/** One thing a program does with Prisma. Run in their order, each on what the earlier ones left. */
export interface Operation {
  readonly name: string;
  run(prisma: SuiteClient): Promise<unknown>;
  /** It is the error that is compared. */
  readonly fails?: true;
  /** Tens of thousands of values: takes long on a busy machine. */
  readonly isLarge?: true;
  /** First version of Prisma that has it, as `major.minor`; default: all. */
  readonly since?: `${number}.${number}`;
}
