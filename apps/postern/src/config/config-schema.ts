import { parseDatabaseUrl } from '@postern/gateway';
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';
import { parseSize } from './size.ts';

// One schema for postern.json, POSTERN_… variables and flags. What it cannot express is checked by whoever uses the value.

/** Everything Postern can be told, checked. */
export interface Config {
  readonly databaseUrl?: string | undefined;
  readonly endpoints?: Readonly<Record<string, EndpointSettings>> | undefined;
  readonly http: ListenAddress;
  readonly tcp: ListenAddress;
  readonly poolSize?: number | undefined;
  /** Undefined: true. */
  readonly multiplexing?: boolean | undefined;
  /** Processes on the same ports. */
  readonly workers?: number | undefined;
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly acceptPlainPasswords?: boolean | undefined;
  readonly maxCallers?: number | undefined;
  /** Of one Postgres over all pools; 0 = as many as the pools may have. */
  readonly maxServerConnections?: number | undefined;
  /** Milliseconds; 0 = never. */
  readonly clientIdleTimeout?: number | undefined;
  /** Milliseconds. */
  readonly loginIdleTimeout?: number | undefined;
  /** Interactive transactions over HTTP. */
  readonly transactions?: TransactionSettings | undefined;
  /** Milliseconds. */
  readonly poolTimeout?: number | undefined;
  /** Milliseconds. */
  readonly connectTimeout?: number | undefined;
  /** File with the API keys. */
  readonly keysFile: string;
  readonly plans?: Readonly<Record<string, PlanChanges>> | undefined;
  /** Bytes. */
  readonly cacheSize?: number | undefined;
  /** An origin: no path. */
  readonly publicUrl?: string | undefined;
  readonly logFormat: 'pretty' | 'json';
  /** Undefined: as the command sees fit. */
  readonly logRequests?: boolean | undefined;
  /** Milliseconds. */
  readonly shutdownGrace: number;
}

export interface EndpointSettings {
  readonly databaseUrl: string;
  readonly poolSize?: number | undefined;
  readonly addresses?: readonly string[] | undefined;
}

export interface TransactionSettings {
  readonly maxTransactions?: number | undefined;
  /** Milliseconds. */
  readonly idleTimeout?: number | undefined;
  /** Milliseconds. */
  readonly totalTimeout?: number | undefined;
  /** Milliseconds. */
  readonly maxTotalTimeout?: number | undefined;
}

export interface PlanChanges {
  readonly connectionLimit?: number | undefined;
  /** Milliseconds. */
  readonly queryTimeout?: number | undefined;
  /** Milliseconds. */
  readonly transactionTimeout?: number | undefined;
  /** Bytes. */
  readonly responseSize?: number | undefined;
  readonly requestsPerSecond?: number | undefined;
}

const listenAddress = z.string().transform((text, context) => {
  const address = parseListenAddress(text);
  if (address) return address;
  context.issues.push({ code: 'custom', input: text, message: 'expected HOST:PORT, for example 127.0.0.1:4444' });
  return z.NEVER;
});

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.issues.push({
    code: 'custom',
    input: text,
    message: 'expected a time with its unit, for example 500ms, 10s or 2m',
  });
  return z.NEVER;
});

const size = z.string().transform((text, context) => {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  context.issues.push({
    code: 'custom',
    input: text,
    message: 'expected a size with its unit, for example 512KB or 5MB',
  });
  return z.NEVER;
});

const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'expected postgres://user:password@host:5432/database')
  .check(({ value, issues }) => {
    try {
      parseDatabaseUrl(value);
    } catch (error) {
      issues.push({ code: 'custom', input: value, message: (error as Error).message });
    }
  });

const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  context.issues.push({ code: 'custom', input: text, message: 'expected https://HOST, without a path' });
  return z.NEVER;
});

function wholeNumber(min: number, max?: number): z.ZodInt {
  const expected = `expected a whole number from ${min} ${max === undefined ? 'on' : `to ${max}`}`;
  const number = z.int(expected).min(min, expected);
  return max === undefined ? number : number.max(max, expected);
}

const poolSize = wholeNumber(1, 10_000);

const endpoint = z.strictObject({
  databaseUrl: databaseUrl.describe('Where this Postgres is; role and password are optional.'),
  poolSize: poolSize.optional().describe('Server connections this endpoint may have at once.'),
  addresses: z
    .array(z.string())
    .optional()
    .describe('Further host or host:port texts that mean this endpoint in /v1?address=….'),
});

const plan = z.strictObject({
  connectionLimit: poolSize.optional().describe('Server connections one key may use at once.'),
  queryTimeout: duration.optional().describe('Longest time of one request, for example 10s; then it is cancelled.'),
  transactionTimeout: duration.optional().describe('Longest interactive transaction, for example 15s.'),
  responseSize: size.optional().describe('Largest response, for example 5MB.'),
  requestsPerSecond: z
    .number('expected a number above 0')
    .positive('expected a number above 0')
    .optional()
    .describe('Requests of one key; twice as many may come at once.'),
});

const schema = z.strictObject({
  $schema: z.string().optional().describe('For editors; ignored.'),
  databaseUrl: databaseUrl.optional().describe('The Postgres behind the gateway, when there is only one.'),
  endpoints: z
    .record(z.string(), endpoint)
    .optional()
    .describe('Several Postgres servers by the name callers use: the first label of the host, or options=endpoint=….'),
  http: listenAddress.prefault('127.0.0.1:4444').describe('HOST:PORT of HTTP and WebSocket; port 0 picks a free one.'),
  tcp: listenAddress
    .prefault('127.0.0.1:6432')
    .describe('HOST:PORT of the Postgres protocol; port 0 picks a free one.'),
  poolSize: poolSize.optional().describe('Server connections per pool; default 2 × cores + 1.'),
  multiplexing: z
    .boolean()
    .optional()
    .describe(
      'Let short queries that leave nothing behind run behind those of other callers on one server connection (the default).',
    ),
  workers: wholeNumber(1, 127)
    .optional()
    .describe(
      'Processes that serve the same ports and share the pools; default one per core when there are more than two, else 1.',
    ),
  tls: z
    .strictObject({
      cert: z.string().describe('File with the certificate chain, PEM.'),
      key: z.string().describe('File with the private key, PEM.'),
    })
    .optional()
    .describe('Turns TLS on for every port.'),
  acceptPlainPasswords: z
    .boolean()
    .optional()
    .describe('Take passwords over connections that are neither encrypted nor local: when something else encrypts.'),
  maxCallers: wholeNumber(1).optional().describe('WebSocket and TCP callers at once; default 10000.'),
  maxServerConnections: wholeNumber(0)
    .optional()
    .describe('Server connections of one Postgres over all its pools; 0 (the default): as many as the pools may have.'),
  clientIdleTimeout: duration
    .optional()
    .describe(
      'A caller that has sent nothing for so long is disconnected, for example 60m (the default); 0s is never.',
    ),
  loginIdleTimeout: duration
    .optional()
    .describe('A server connection that only verified a login is closed when unused for so long, default 10s.'),
  transactions: z
    .strictObject({
      maxTransactions: wholeNumber(1).optional().describe('At once; default 1000.'),
      idleTimeout: duration.optional().describe('Longest pause between two requests, default 15s.'),
      totalTimeout: duration.optional().describe('The whole transaction, when its begin does not say; default 60s.'),
      maxTotalTimeout: duration.optional().describe('The most that a begin can ask for, default 5m.'),
    })
    .optional()
    .describe('Interactive transactions over HTTP.'),
  poolTimeout: duration
    .optional()
    .describe('Longest wait for a server connection, for example 10s (the default); 0s is no limit.'),
  connectTimeout: duration
    .optional()
    .describe('Longest wait for a Postgres that starts or wakes, for example 5s (the default); 0s is no limit.'),
  keysFile: z.string().default('.postern/keys.json').describe('File with the API keys, made with postern keys create.'),
  plans: z
    .record(z.string(), plan)
    .optional()
    .describe('Limits that API keys name: changes to free, starter, pro and business, or further plans.'),
  cacheSize: size.optional().describe('Memory for cached results, for example 64MB (the default).'),
  publicUrl: origin
    .optional()
    .describe(
      'How callers reach this gateway, for example https://gate.example.com, where a proxy in front changes the host name.',
    ),
  logFormat: z.enum(['pretty', 'json']).default('pretty').describe('pretty for people, json for machines.'),
  logRequests: z
    .boolean()
    .optional()
    .describe(
      'A line for every HTTP request that succeeds, too; those that fail always have one. Default: true in postern dev, false in postern serve.',
    ),
  shutdownGrace: duration
    .prefault('10s')
    .describe('How long running transactions may take to finish after SIGTERM or SIGINT, for example 10s.'),
});

/** Checks a raw configuration and fills in the defaults. */
export function parseConfig(raw: unknown): z.ZodSafeParseResult<Config> {
  return schema.safeParse(raw);
}

/** The keys of the configuration and what each must be. */
export const configShape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;

/** The JSON Schema of postern.json, for editors. */
export function configJsonSchema(): object {
  const json = z.toJSONSchema(schema, { io: 'input' });
  return { ...json, title: 'postern.json', description: 'Configuration of Postern; see README.md.' };
}
