import { describeConformance } from './harness/describe-conformance.ts';
import { createEngineRoute } from './harness/engine-route.ts';

describeConformance('tcp-pooled', async (server) => ({
  openRoute: createEngineRoute(server, { mode: 'pooled' }),
  hasNeighbour: process.env.NONEIGH === undefined,
}));
