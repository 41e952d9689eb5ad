import type { Clock } from '@toolweaver/analytics-core';
import { failureOf, messageOf, serviceError } from '../failure.ts';

/** Bounds of the backoff, unless the service asks for another pause. */
const minPauseMs = 2_000;
const maxPauseMs = 60_000;

/** Whose outage a failure is. That of media, which may be stored elsewhere, does not take the run offline. */
export type Subject = 'service' | 'media';

export interface OutagesOptions {
  readonly clock: Clock;
  /** How long an outage may be before the run does without the service. */
  readonly offlineAfterMs: number;
  /** Consecutive failures after which an outage is taken to last, however short it was. Default: unlimited. */
  readonly maxFailures?: number | undefined;
}

/** The failures in a row of a run's calls. */
export interface Outages {
  /** Counts a failure of a call that began then, in ms of `monotonic()`; says whether the run has to do without the service. */
  lastsTooLong(began: number, subject: Subject): boolean;
  end(subject: Subject): void;
  /** Adds the backoff to an error, which tells core when to retry. */
  withPause(error: unknown, subject: Subject): unknown;
}

interface Outage {
  readonly since: number;
  /** Time of the last failure. */
  latest: number;
  failures: number;
}

export function createOutages(options: OutagesOptions): Outages {
  const { clock, offlineAfterMs, maxFailures = Number.POSITIVE_INFINITY } = options;
  const outages: { [S in Subject]?: Outage | undefined } = {};
  return {
    lastsTooLong(began, subject) {
      const now = clock.monotonic();
      const outage = outages[subject] ?? { since: now, latest: began, failures: 0 };
      outages[subject] = outage;
      // Calls that were pending at an earlier failure belong to it: many at once must not turn a blip into an outage.
      if (began >= outage.latest) {
        outage.failures += 1;
        outage.latest = now;
      }
      return subject === 'service' && (outage.failures >= maxFailures || now - outage.since >= offlineAfterMs);
    },
    end(subject) {
      outages[subject] = undefined;
    },
    withPause(error, subject) {
      const failure = failureOf(error);
      const { retryAfterMs } = error as { retryAfterMs?: number };
      if (failure === undefined || retryAfterMs !== undefined) {
        return error;
      }
      const failures = outages[subject]?.failures ?? 1;
      const boundMs = subject === 'service' ? Math.min(maxPauseMs, offlineAfterMs) : maxPauseMs;
      const longestMs = Math.min(boundMs, minPauseMs * 2 ** (failures - 1));
      // Jitter: clients that failed together must not retry together.
      const pauseMs = (longestMs * (1 + Math.random())) / 2;
      return serviceError({ ...failure, message: messageOf(error), cause: error, retryAfterMs: pauseMs });
    },
  };
}
