/**
 * Every script through a pool that closes each server connection after one lease: whatever a session has it takes along,
 * statements, settings and channels. The noisy neighbour finds nothing to disturb here and is left out.
 */
import { describeConformance } from './harness/describe-conformance.ts';
import { createGatewayRoute } from './harness/gateway-route.ts';

describeConformance('tcp-pooled-moving', async (server) => ({
  openRoute: createGatewayRoute(server, { kind: 'tcp-pooled-moving', limits: { serverLifetimeMs: 0 } }),
  hasNeighbour: false,
}));
