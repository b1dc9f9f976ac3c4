// Node 22 and newer, Workers, Deno, Bun and browsers have a WebSocket of their own; in Node 20 the driver is given one.
import { configure } from '@postern/serverless';
import { WebSocket } from 'ws';

if (globalThis.WebSocket === undefined) configure({ webSocketConstructor: WebSocket });
