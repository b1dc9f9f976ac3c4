/** Every script through the pool with the noisy neighbour on it, judged by Postgres. */
import { describeConformance } from './harness/describe-conformance.ts';
import { createGatewayRoute } from './harness/gateway-route.ts';

describeConformance('tcp-pooled', async (server) => ({
  openRoute: createGatewayRoute(server, { kind: 'tcp-pooled' }),
  hasNeighbour: true,
}));
