/** Every script through a direct session: one server connection of its own per caller. */
import { describeConformance } from './harness/describe-conformance.ts';
import { createEngineRoute } from './harness/engine-route.ts';

describeConformance('tcp-direct', async (server) => ({
  openRoute: createEngineRoute(server, { mode: 'direct' }),
  hasNeighbour: false,
}));
