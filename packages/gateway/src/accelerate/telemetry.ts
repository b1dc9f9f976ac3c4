/**
 * What a client that logs or traces wants back with its answer (`X-Capture-Telemetry`): each statement with its time, and
 * spans. For one request; times are the wall clock's.
 */
import { type QueryEvent, safeJsonStringify, type TracingHelper } from '@prisma/client-engine-runtime';

/** Seconds and nanoseconds, as OpenTelemetry counts. */
type HrTime = readonly [seconds: number, nanoseconds: number];

interface LogEvent {
  readonly level: 'query';
  readonly spanId: string;
  readonly timestamp: HrTime;
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface ExportedSpan {
  readonly id: string;
  /** null: the client hangs it below its own span. */
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'client';
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export interface Telemetry {
  /** For the interpreter; undefined when nobody wants to know. */
  readonly onQuery: ((event: QueryEvent) => void) | undefined;
  readonly tracing: TracingHelper;
  /** The `extensions` of the answer; undefined when nothing was asked for. */
  extensions(): Readonly<Record<string, unknown>> | undefined;
}

export interface TelemetryWish {
  readonly wantsQueries: boolean;
  readonly wantsSpans: boolean;
  readonly isAsked: boolean;
}

/** Reads `info, query, tracing`; levels that mean nothing here are ignored. */
export function parseTelemetryWish(header: string | undefined): TelemetryWish {
  const levels = new Set((header ?? '').split(',').map((level) => level.trim()));
  return {
    isAsked: header !== undefined,
    wantsQueries: levels.has('query'),
    wantsSpans: levels.has('tracing'),
  };
}

/** Parameters in all events of a request: a log is no second copy of the data. What is beyond is left out. */
const maxParameterText = 1_048_576;

export function createTelemetry(wish: TelemetryWish, traceparent: string | undefined): Telemetry {
  const logs: LogEvent[] = [];
  const spans: ExportedSpan[] = [];
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1] ?? randomHex(16);
  /** Spans that can have children, and are open: what runs inside a commit belongs to the commit. */
  const open: string[] = [];
  const openQueries: string[] = [];
  let parameterText = 0;

  const tracing: TracingHelper = {
    isEnabled: () => wish.wantsSpans,
    runInChildSpan(nameOrOptions, callback) {
      if (!wish.wantsSpans) return callback();
      const { name, attributes } = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions;
      const id = `${traceId}-${randomHex(8)}`;
      const parentId = open.at(-1) ?? null;
      const isQuery = name === 'db_query';
      const startTime = hrTime();
      const list = isQuery ? openQueries : open;
      list.push(id);
      const end = (): void => {
        list.splice(list.indexOf(id), 1);
        spans.push({
          id,
          parentId,
          // The name the client's own runtime gives it.
          name: `prisma:client:${name}`,
          kind: isQuery ? 'client' : 'internal',
          startTime,
          endTime: hrTime(),
          ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
        });
      };
      return endAfter(callback, end);
    },
  };

  return {
    tracing,
    onQuery: wish.wantsQueries
      ? ({ timestamp, query, params, duration }) => {
          const text = safeJsonStringify(params);
          parameterText += text.length;
          logs.push({
            level: 'query',
            spanId: openQueries.at(-1) ?? '',
            timestamp: hrTime(timestamp.getTime()),
            message: 'Query',
            attributes: {
              query,
              params: parameterText > maxParameterText ? '["…"]' : text,
              // This very name: the client reads no other.
              duration_ms: duration,
            },
          });
        }
      : undefined,
    extensions() {
      if (!wish.isAsked) return undefined;
      // Clients of version 6 call spans traces.
      return { logs, ...(wish.wantsSpans ? { spans, traces: spans } : {}) };
    },
  };
}

function endAfter<R>(callback: () => R, end: () => void): R {
  let result: R;
  try {
    result = callback();
  } catch (error) {
    end();
    throw error;
  }
  if (!(result instanceof Promise)) {
    end();
    return result;
  }
  return result.finally(end) as R; // the same promise type
}

function hrTime(milliseconds: number = performance.timeOrigin + performance.now()): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}

function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return [...values].map((value) => value.toString(16).padStart(2, '0')).join('');
}
