import type { Backend, ClientFigures } from '../backend.ts';
import { type AnalyticsError, backendError, toAnalyticsError, withoutName } from '../errors.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import { eventCount } from '../values/describe.ts';
import { failureOf } from './deadline.ts';
import { immediateSink } from './immediate.ts';
import { createLedger, dropReason } from './ledger.ts';
import { queuedSink } from './queued.ts';
import type { BackendFlush, BackendStats, DropReason } from './report.ts';
import type { Reporter } from './reporter.ts';
import { singleFlight } from './single-flight.ts';
import type { SinkEvents, SinkOptions } from './sink.ts';

/** Delivers the client's events to one backend. Its counts are exact at any instant. */
export interface Delivery {
  readonly backend: Backend;
  /** Calls `backend.attach`; throws an `AnalyticsError` if that throws. */
  attach(figures: ClientFigures): void;
  /** Accepts an event. `bytes` is its estimated size. Never throws. */
  offer(event: AnalyticsEvent, bytes: number): void;
  /** Counts an event that was dropped before it could be offered. */
  refuse(reason: DropReason): void;
  /** Delivers what was offered before the call. Never rejects. */
  flush(timeoutMs: number): Promise<BackendFlush>;
  /** Flushes, gives up what is left, and closes the backend. Must be called only once. Never rejects. */
  close(timeoutMs: number): Promise<BackendFlush>;
  /** Delivers synchronously what is queued or under way, if the backend can. Never throws. */
  flushSync(): void;
  /** Reports, as the process exits, what it takes along. Never throws. */
  tellUnsent(): void;
  stats(): BackendStats;
  /** Why the latest delivery failed; undefined if it succeeded, or if the far side only rejected the events. */
  failure(): DeliveryFailure | undefined;
}

interface DeliveryFailure {
  readonly error: AnalyticsError;
  /** False if the delivery will be retried. True if it was given up, or does not end. */
  readonly final: boolean;
}

export interface DeliveryOptions extends SinkOptions {
  readonly reporter: Reporter;
}

/** However little time `close()` has left, a backend gets this long to release what it holds. */
const minCloseMs = 1_000;

export function createDelivery(backend: Backend, options: DeliveryOptions): Delivery {
  const { clock, reporter } = options;
  const { name } = backend;
  const ledger = createLedger();
  /** Events lost after they were queued, and events that found no room. */
  let [lost, refused] = [0, 0];
  /** How many of them a flush has told of. */
  let [lostTold, refusedTold] = [0, 0];
  /** Events that were delivered when the backend's own flush last began. */
  let flushedCount = 0;
  let lastLoss: AnalyticsError | undefined;
  /** Dropped events that no report has counted, as there was one shortly before. */
  let untold = 0;
  const refusals: { [reason: string]: AnalyticsError } = {};
  let failure: DeliveryFailure | undefined;
  let closed = false;
  /** The backend's own flush. */
  const push = singleFlight((signal) => (closed ? undefined : backend.flush?.(signal)));

  const events: SinkEvents = {
    delivered(count) {
      ledger.delivered += count;
      failure = undefined;
    },
    lost(count, error, reason = dropReason(error.code)) {
      lost += count;
      failure = reason === 'rejected' || reason === 'too_large' ? undefined : { error, final: true };
      drop(reason, count, error);
    },
    refused(reason, bound, count = 1) {
      refused += count;
      // Created once per reason, as there may be very many refusals.
      refusals[reason] ??= backendError(name, reason === 'too_large' ? 'TOO_LARGE' : 'EVENTS_DROPPED', bound);
      drop(reason, count, refusals[reason]);
    },
    stalled(error) {
      failure = { error, final: true };
      report(error);
    },
    retrying(error) {
      ledger.retries += 1;
      failure = { error, final: false };
      report(error);
    },
  };
  const { delivery } = backend;
  const sink =
    typeof delivery === 'string'
      ? immediateSink(backend, options, events)
      : queuedSink(backend, delivery, options, events);

  function report(error: AnalyticsError): void {
    reporter.report(error.code, name, () => error);
  }

  function reportThrown(thrown: unknown): void {
    report(toAnalyticsError(thrown, name));
  }

  /** If a method is asynchronous against its contract, its rejection must not end the process. */
  function followIfAsync(result: unknown): void {
    Promise.resolve(result).catch(reportThrown);
  }

  function drop(reason: DropReason, count: number, cause: AnalyticsError): void {
    ledger.dropped[reason] += count;
    lastLoss = cause;
    untold += count;
    reporter.report('EVENTS_DROPPED', name, () => {
      untold -= count;
      const message = `lost ${eventCount(count)} (${reason}): ${withoutName(cause)}`;
      return backendError(name, 'EVENTS_DROPPED', message, cause);
    });
  }

  function tellRest(when: 'flushed' | 'closed'): void {
    if (untold > 0) {
      reporter.report('EVENTS_DROPPED', `${name} ${when}`, () => {
        const message = `lost ${eventCount(untold)} besides those reported: see stats()`;
        untold = 0;
        return backendError(name, 'EVENTS_DROPPED', message);
      });
    }
  }

  async function flush(timeoutMs: number, final: boolean): Promise<BackendFlush> {
    const started = clock.monotonic();
    // Of what finds no room meanwhile, the next flush tells.
    const before = { delivered: ledger.delivered, lostTold, refusedTold, refused };
    let error = await sink.settle(timeoutMs, final);
    flushedCount = ledger.delivered;
    if (backend.flush !== undefined) {
      const leftMs = Math.max(0, timeoutMs - (clock.monotonic() - started || 0));
      const failed = await failureOf(clock, leftMs, name, 'flush', (signal) => push(signal, started + timeoutMs));
      error ??= failed;
    }
    if (error !== undefined) {
      report(error);
    }
    const dropped = lost - before.lostTold + before.refused - before.refusedTold;
    lostTold = lost;
    refusedTold = Math.max(refusedTold, before.refused);
    if (dropped > 0) {
      // Reported already.
      error ??= lastLoss;
    }
    if (!final) {
      tellRest('flushed');
    }
    const delivered = ledger.delivered - before.delivered;
    return { ok: error === undefined, delivered, dropped, queued: sink.stats().queued, error };
  }

  return {
    backend,
    attach(figures) {
      try {
        followIfAsync(backend.attach?.(figures));
      } catch (thrown) {
        throw toAnalyticsError(thrown, name);
      }
    },
    offer(event, bytes) {
      ledger.accepted += 1;
      sink.offer(event, bytes);
    },
    refuse(reason) {
      ledger.accepted += 1;
      ledger.dropped[reason] += 1;
    },
    flush: (timeoutMs) => flush(timeoutMs, false),
    async close(timeoutMs) {
      const started = clock.monotonic();
      try {
        followIfAsync(backend.closing?.(timeoutMs));
      } catch (thrown) {
        reportThrown(thrown);
      }
      const flushed = await flush(timeoutMs, true);
      const left = sink.abandon();
      if (left > 0) {
        const cause = flushed.error ?? backendError(name, 'TIMEOUT', `${eventCount(left)} not delivered in time`);
        events.lost(left, cause, 'shutdown_timeout');
      }
      closed = true;
      const leftMs = Math.max(minCloseMs, timeoutMs - (clock.monotonic() - started || 0));
      const failed = await failureOf(clock, leftMs, name, 'close', () => backend.close?.());
      if (failed !== undefined) {
        report(failed);
      }
      tellRest('closed');
      const error = flushed.error ?? failed;
      return { ...flushed, ok: error === undefined, dropped: flushed.dropped + left, queued: 0, error };
    },
    flushSync: sink.flushSync,
    tellUnsent() {
      const { queued } = sink.stats();
      // A backend that only counts may have sent its sums meanwhile.
      const isCounted = typeof delivery === 'string' && backend.flush !== undefined && ledger.delivered > flushedCount;
      if (queued > 0 || isCounted) {
        const what =
          queued > 0 ? `${eventCount(queued)} lost` : 'what came after the last flush() may not have been sent';
        const message = `${what}, as the process exits without close()`;
        reporter.report('EVENTS_DROPPED', `${name} exit`, () => backendError(name, 'EVENTS_DROPPED', message));
      }
    },
    failure: () => failure,
    stats() {
      // First, as it may deliver.
      const held = sink.stats();
      return { ...ledger, dropped: { ...ledger.dropped }, ...held, ...(closed && { state: 'closed' }) };
    },
  };
}
