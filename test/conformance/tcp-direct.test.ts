/** Every script through a direct session: one server connection of its own per caller. */
import { describeConformance } from './harness/describe-conformance.ts';
import { createGatewayRoute } from './harness/gateway-route.ts';

describeConformance('tcp-direct', async (server) => ({
  openRoute: createGatewayRoute(server, { kind: 'tcp-direct' }),
  hasNeighbour: false,
}));
