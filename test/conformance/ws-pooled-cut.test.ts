/** Every script through the pool over WebSockets whose frames are cut at random places, with the noisy neighbour. */
import { describeConformance } from './harness/describe-conformance.ts';
import { createGatewayRoute } from './harness/gateway-route.ts';

describeConformance('ws-pooled-cut', async (server) => ({
  openRoute: createGatewayRoute(server, { kind: 'ws-pooled-cut' }),
  hasNeighbour: true,
}));
