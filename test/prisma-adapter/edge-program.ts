// What runs inside an edge runtime: the suite's operations on a generated client, with their outcomes.

import { PrismaPostern } from '@postern/prisma-adapter';
import { PrismaClient } from 'generated-client';
import { operations } from '../prisma-suite/operations/index.ts';
import { type Outcome, outcomeOf } from '../prisma-suite/outcome.ts';
import { isForEdge } from './edge-operations.ts';

export async function runOperations(
  connectionString: string,
  transport: 'http' | 'ws',
): Promise<Record<string, Outcome>> {
  const prisma = new PrismaClient({ adapter: new PrismaPostern({ connectionString, transport }) });
  const outcomes: Record<string, Outcome> = {};
  for (const operation of operations.filter(isForEdge)) {
    outcomes[operation.name] = await outcomeOf(() => operation.run(prisma));
  }
  await prisma.$disconnect();
  return outcomes;
}
