import type { AnalyticsError } from '../errors.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import type { ResolvedOptions } from '../options.ts';
import type { DeliveryState, DropReason } from './report.ts';

/** The part of a delivery that holds events until the backend has them. */
export interface Sink {
  readonly queued: number;
  readonly queuedBytes: number;
  readonly state: DeliveryState;
  /** Never throws. Every event offered ends in exactly one call of `delivered`, `lost` or `refused`, or in `abandon`. */
  offer(event: AnalyticsEvent, bytes: number): void;
  /**
   * Delivers what was offered before the call. Resolves to undefined when all of it is delivered or lost, and to the reason
   * when time ran out or (unless `final`) the backend stays unavailable. Never rejects.
   */
  settle(timeoutMs: number, final: boolean): Promise<AnalyticsError | undefined>;
  /** Forgets everything held, and ignores how writes under way end. Returns how many events that were. */
  abandon(): number;
  /** See `Delivery.flushSync`. */
  flushSync(): void;
}

export type SinkOptions = Pick<
  ResolvedOptions,
  'clock' | 'random' | 'retry' | 'batchSize' | 'maxQueueEvents' | 'maxQueueBytes'
>;

/** What a sink tells its delivery. */
export interface SinkEvents {
  delivered(count: number): void;
  /** Events that were taken. Default of `reason`: what the error's code says. */
  lost(count: number, error: AnalyticsError, reason?: DropReason): void;
  /** An event that was not taken: there is no room left, or it is larger than all the room there is. */
  refused(reason: 'queue_full' | 'too_large', bound: string): void;
  /** A failure that loses nothing: it will be tried again. */
  retrying(error: AnalyticsError): void;
}
