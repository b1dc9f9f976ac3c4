// What all programs begin with: the settings of the official driver for a gateway on this machine, and printing.
import { inspect } from 'node:util';
import { neonConfig } from '@neondatabase/serverless';
import { WebSocket } from 'ws';

export const url = process.argv[2];
export const { port } = new URL(url);

Object.assign(neonConfig, {
  webSocketConstructor: WebSocket,
  fetchEndpoint: () => `http://127.0.0.1:${port}/sql`,
  wsProxy: (host) => `${host}:${port}/v2`,
  useSecureWebSocket: false,
  disableWarningInBrowsers: true,
});

export function show(name, value) {
  console.log(name, inspect(value, { depth: 9, breakLength: 160, maxArrayLength: 200, sorted: true }));
}

const fields = 'severity code detail hint position internalPosition internalQuery where schema table column dataType';
const moreFields = 'constraint file line routine';

/** All that a program can see of an error of the database. */
export function describe(error) {
  const names = `${fields} ${moreFields}`.split(' ');
  return { name: error.name, message: error.message, ...Object.fromEntries(names.map((name) => [name, error[name]])) };
}

/** Prints what comes of it. */
export async function attempt(name, work, tell = describe) {
  try {
    show(name, await work());
  } catch (error) {
    show(name, tell(error));
  }
}
