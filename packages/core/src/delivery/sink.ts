import type { AnalyticsError } from '../errors.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import type { ResolvedOptions } from '../options.ts';
import type { BackendStats, DropReason } from './report.ts';

/** The part of a delivery that holds events until the backend has them. */
export interface Sink {
  /** Never throws. Every event offered ends in exactly one call of `delivered`, `lost` or `refused`, or in `abandon`. */
  offer(event: AnalyticsEvent, bytes: number): void;
  /**
   * Delivers what was offered before the call. Resolves to undefined when all of it is delivered or lost, and to the reason
   * if time runs out or (unless `final`) the backend stays unavailable. Never rejects.
   */
  settle(timeoutMs: number, final: boolean): Promise<AnalyticsError | undefined>;
  /** Discards all events held, and ignores the outcome of writes under way. Returns the number of events discarded. */
  abandon(): number;
  /** See `Delivery.flushSync`. */
  flushSync(): void;
  /** Delivers first what waits only to be delivered with others. */
  stats(): Pick<BackendStats, 'queued' | 'queuedBytes' | 'state'>;
}

export type SinkOptions = Pick<
  ResolvedOptions,
  'clock' | 'random' | 'retry' | 'batchSize' | 'maxQueueEvents' | 'maxQueueBytes'
>;

/** What a sink tells its delivery. */
export interface SinkEvents {
  delivered(count: number): void;
  /** Accepted events were lost. Default `reason`: the one that fits the error's code. */
  lost(count: number, error: AnalyticsError, reason?: DropReason): void;
  /** Events (default: one) were not accepted: the queue is full, or the event is larger than the whole queue. */
  refused(reason: 'queue_full' | 'too_large', bound: string, count?: number): void;
  /** A delivery takes too long, and holds up all others; nothing is lost so far. */
  stalled(error: AnalyticsError): void;
  /** A delivery failed and will be retried; nothing is lost. */
  retrying(error: AnalyticsError): void;
}
