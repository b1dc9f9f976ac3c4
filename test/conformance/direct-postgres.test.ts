/** Postgres against itself: a script that differs here is not deterministic and judges nobody. */

import { describeConformance } from './harness/describe-conformance.ts';
import { createDirectRoute } from './harness/direct-route.ts';

describeConformance('direct-postgres', async (server) => ({
  openRoute: createDirectRoute(server),
  hasNeighbour: false,
}));
