/**
 * What workers and their primary say to each other: plain JSON over the channel between two processes. Nothing secret but
 * cancel keys, which stay on this machine.
 */
import type { GatewayStats } from '../gateway-stats.ts';

/** From a worker. */
export type ToPrimary =
  | {
      readonly kind: 'want';
      readonly key: string;
      readonly target: string;
      readonly size: number;
      readonly count: number;
    }
  | { readonly kind: 'give-back' | 'decline'; readonly key: string; readonly count: number }
  /** Postgres accepted this identity, or does not any more. */
  | { readonly kind: 'accepted' | 'forget'; readonly identity: string }
  | Asked<PrimaryQuestion>
  | Answered;

/** To a worker. */
export type ToWorker =
  | { readonly kind: 'grant'; readonly key: string; readonly count: number }
  | { readonly kind: 'recall'; readonly key: string; readonly count: number; readonly idleMs?: number }
  | { readonly kind: 'forget'; readonly identity: string }
  | Asked<WorkerQuestion>
  | Answered;

/** What the primary is asked, and answers: whether the key was found, whether the identity is known, milliseconds to wait. */
export type PrimaryQuestion =
  | CancelQuestion
  | InvalidateQuestion
  | { readonly about: 'accepted'; readonly identity: string }
  | { readonly about: 'rate'; readonly key: string; readonly perSecond: number };

/** What a worker is asked, and answers. */
export type WorkerQuestion = CancelQuestion | InvalidateQuestion | { readonly about: 'stats' };

interface CancelQuestion {
  readonly about: 'cancel';
  readonly processId: number;
  /** In hexadecimal. */
  readonly secret: string;
}

interface InvalidateQuestion {
  readonly about: 'invalidate';
  readonly scope: string;
  readonly tags: readonly string[] | 'all';
}

export interface Asked<Question> {
  readonly kind: 'ask';
  readonly id: number;
  readonly question: Question;
}

export interface Answered {
  readonly kind: 'answer';
  readonly id: number;
  readonly answer: boolean | number | GatewayStats;
}
