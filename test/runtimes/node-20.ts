// Node has a WebSocket of its own from version 22 on.
import { WebSocket } from 'ws';
import { runSuite } from './suite.ts';

console.log(JSON.stringify(await runSuite(process.argv.at(-1) ?? '', WebSocket)));
process.exit(0);
