import type { AnalyticsError } from '../errors.ts';

/**
 * Why an event was not delivered:
 * `queue_full` the queue's bound was reached · `invalid` refused by validation · `too_large` one event is larger than
 * allowed · `sampled` left out by sampling · `rejected` the far side refused it · `send_failed` given up after retries, or
 * failed for good · `storage_full` the far side had no room · `shutdown_timeout` still queued when `close()` ran out of time ·
 * `closed` recorded after `close()` · `callback_error` a callback of the user's threw.
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

/** `ok`; `retrying` after a failed delivery; `open` after several in a row: still tried again, but `flush()` waits no longer; `closed`. */
export type DeliveryState = 'ok' | 'retrying' | 'open' | 'closed';

/** The ledger of one backend. At any instant `accepted = delivered + queued + the sum of dropped`. */
export interface BackendStats {
  /** Every event that was handed to the client, refused ones included. */
  readonly accepted: number;
  /** Taken by the backend: stored, acknowledged by a service, or counted in memory by one that sends sums, whose `flush()` tells what arrived. */
  readonly delivered: number;
  /** Waiting, or on their way. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Deliveries that were tried again. */
  readonly retries: number;
  readonly state: DeliveryState;
}

/** What `stats()` returns. */
export interface DeliveryStats {
  readonly backends: Readonly<Record<string, BackendStats>>;
}

/** What one backend did during a flush. */
export interface BackendFlush {
  /** True when all that was queued before the flush is on the far side. What was lost before that is in `stats()`. */
  readonly ok: boolean;
  readonly delivered: number;
  readonly dropped: number;
  /** Still queued when the flush ended. */
  readonly queued: number;
  /** Why not `ok`. */
  readonly error?: AnalyticsError | undefined;
}

/** What arrived, by backend. */
export interface FlushReport {
  /** True when every backend's is. */
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
  /** True when every backend's is. */
  readonly healthy: boolean;
  readonly backends: Readonly<Record<string, BackendHealth>>;
}

/** Plain JSON: secrets read `[redacted]`. */
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
  /** By their names. Of one whose settings are no JSON, such as a BigInt, `error` says why they cannot be shown. */
  readonly backends: Readonly<Record<string, { readonly [key: string]: PlainSetting }>>;
}
