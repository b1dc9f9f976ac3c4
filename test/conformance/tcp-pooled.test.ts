/** Every script through the pool with the noisy neighbour on it, judged by Postgres. */
import { describeConformance } from './harness/describe-conformance.ts';
import { createEngineRoute } from './harness/engine-route.ts';

describeConformance('tcp-pooled', async (server) => ({
  openRoute: createEngineRoute(server, { mode: 'pooled' }),
  hasNeighbour: true,
}));
