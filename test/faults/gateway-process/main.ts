/** The program of ../gateway-process.ts. Nothing here catches what the gateway failed to catch. */
import { type StartGatewayOptions, startGateway } from '@postern/gateway';
import type { FromGateway, ToGateway } from './messages.ts';

/** Told one by one they would cost more than what they tell about. */
const everydayEvents: ReadonlySet<string> = new Set([
  'session_started',
  'session_ended',
  'http_sql',
  'cancel_requested',
]);

function tell(message: FromGateway): void {
  process.send?.(message);
}

const settings = JSON.parse(process.argv[2] ?? '{}') as StartGatewayOptions; // from the tests' own hand
const gateway = await startGateway({
  ...settings,
  http: { host: '127.0.0.1', port: 0 },
  tcp: { host: '127.0.0.1', port: 0 },
  log(event) {
    if (!everydayEvents.has(event.event)) tell({ kind: 'event', event: { ...event } });
  },
});
process.on('message', (message: ToGateway) => {
  if (message === 'stats') tell({ kind: 'stats', stats: gateway.stats() });
  else void gateway.close(0).then(() => process.disconnect());
});
process.on('disconnect', () => process.exit(0));
tell({ kind: 'listening', httpPort: gateway.httpAddress.port, tcpPort: gateway.tcpAddress!.port });
