/** Postgres against itself: a script that differs here is not deterministic and judges nobody. */
import { createDirectRoute } from './harness/direct-route.ts';
import { describeConformance } from './harness/describe-conformance.ts';

describeConformance('direct-postgres', async (server) => ({
  openRoute: createDirectRoute(server),
  hasNeighbour: false,
}));
