import type { AnalyticsError } from '../errors.ts';

/**
 * Why an event was not delivered:
 * `queue_full` the queue was full · `invalid` refused by validation · `too_large` the event is larger than
 * allowed · `sampled` left out by sampling · `rejected` the far side refused it · `send_failed` given up after retries, or
 * failed for good · `storage_full` the far side had no room · `shutdown_timeout` still queued when `close()` ran out of time ·
 * `closed` recorded after `close()` · `callback_error` a callback of the user threw or returned a wrong value.
 */
export type DropReason =
  | 'queue_full'
  | 'invalid'
  | 'too_large'
  | 'sampled'
  | 'rejected'
  | 'send_failed'
  | 'storage_full'
  | 'shutdown_timeout'
  | 'closed'
  | 'callback_error';

/** `ok`; `retrying` after a failed delivery; `open` after five in a row: still retried, but `flush()` stops waiting; `closed`. */
export type DeliveryState = 'ok' | 'retrying' | 'open' | 'closed';

/** The event counts of one backend. At any instant, `accepted = delivered + queued + the sum of dropped`. */
export interface BackendStats {
  /** Every event that was handed to the client, refused ones included. */
  readonly accepted: number;
  /**
   * Stored by the backend, acknowledged by a service, or counted in memory by a backend that sends sums; its `flush()`
   * says whether they arrived.
   */
  readonly delivered: number;
  /** Waiting, or being written. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Failed deliveries that are tried again. */
  readonly retries: number;
  readonly state: DeliveryState;
}

/** What `stats()` returns. */
export interface DeliveryStats {
  readonly backends: Readonly<Record<string, BackendStats>>;
}

/** What one backend did during a flush. */
export interface BackendFlush {
  /**
   * True if everything recorded before the flush is on the far side, except what an earlier flush has reported as lost, and what
   * was never accepted: invalid events, and those that sampling left out.
   */
  readonly ok: boolean;
  /** Events delivered during the flush, as in `BackendStats`: with a backend that sends sums, those that still had to be counted. */
  readonly delivered: number;
  /** Events lost since the previous flush ended. */
  readonly dropped: number;
  /** Still queued when the flush ended. */
  readonly queued: number;
  /** Why it is not `ok`. */
  readonly error?: AnalyticsError | undefined;
}

/** The outcome of a flush, by backend. */
export interface FlushReport {
  /** True if it is true for every backend. */
  readonly ok: boolean;
  readonly backends: Readonly<Record<string, BackendFlush>>;
}

/** What the probe of one backend found. */
export interface BackendHealth {
  readonly healthy: boolean;
  /** How long the probe took. */
  readonly latencyMs: number;
  readonly error?: AnalyticsError | undefined;
}

/** What `healthCheck()` found. */
export interface HealthReport {
  /** True if it is true for every backend. */
  readonly healthy: boolean;
  readonly backends: Readonly<Record<string, BackendHealth>>;
}

/** Plain JSON, in which secrets read `[redacted]`. */
export type PlainSetting =
  | string
  | number
  | boolean
  | null
  | readonly PlainSetting[]
  | { readonly [key: string]: PlainSetting };

/** What `getConfigSummary()` returns. */
export interface ConfigSummary {
  readonly sampleRate: number;
  readonly maxQueueEvents: number;
  readonly maxQueueBytes: number;
  /** Settings by backend name. If they are not JSON (a BigInt, say), `error` says why they cannot be shown. */
  readonly backends: Readonly<Record<string, { readonly [key: string]: PlainSetting }>>;
}
