/** What the gateway tells its operator: plain objects with a name, never a secret in them. */
import type { EngineEvent } from '@postern/pool';

/** Who an event is about, as far as known by then. */
export type CallerFacts = {
  transport: 'http' | 'ws' | 'tcp';
  /** Network address of the peer. */
  address: string;
  endpoint?: string;
  user?: string;
  database?: string;
  /** Public part of the API key it came with. */
  keyId?: string;
};

export type GatewayEvent =
  | ({ event: 'session_started'; mode: 'pooled' | 'direct'; processId: number } & CallerFacts)
  /** Without `processId`: Postgres let nobody in, though the caller had logged in; it never started. */
  | ({ event: 'session_ended'; mode: 'pooled' | 'direct'; processId?: number; durationMs: number } & CallerFacts)
  /** The caller got an error instead of a session. `detail` is for the operator only: why, where the caller only got "no". */
  | ({ event: 'caller_refused'; code: string; sqlstate: string; message: string; detail?: string } & CallerFacts)
  | ({ event: 'cancel_requested' } & Pick<CallerFacts, 'transport' | 'address'>)
  /** A defect: something was thrown where nothing may be. */
  | { event: 'internal_error'; where: string; message: string; stack?: string | undefined };

/** Takes the gateway's events and those of its engine and of `/sql` (http/sql-event.ts). */
export type LogEvent = (event: GatewayEvent | EngineEvent) => void;

/** Something was thrown where nothing may be. `where` names the place for whoever reads the log. */
export function defectEvent(where: string, thrown: unknown): GatewayEvent {
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { event: 'internal_error', where, message, stack };
}
