import type { AnalyticsError, Clock } from '@toolweaver/analytics-core';
import type { Manner } from './metrics-exporter.ts';

/** A client that closes gives each backend at least a second. */
const lastChanceMs = 800;

export interface PusherOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Collects and delivers. Resolves when the receiver accepted all that was counted before the call. */
  readonly push: (manner: Manner, signal: AbortSignal) => Promise<void>;
  /** Called with the error of a push that no caller waits for. */
  readonly onFailure: (error: unknown) => void;
}

export interface Pusher {
  /** Pushes at once, after any push under way. Rejects with the reason when it failed. */
  push(signal: AbortSignal): Promise<void>;
  /** Pushes what has failed to arrive, in one attempt; rejects with the reason. While the receiver asks for a pause, with that. */
  check(signal: AbortSignal): Promise<void>;
  /** Notes that there is something to push. */
  changed(): void;
  /** Pushes what is left, if it can, and stops. Never rejects. */
  close(): Promise<void>;
}

/**
 * Pushes at intervals, one push at a time. OpenTelemetry's `PeriodicExportingMetricReader` does not report what became of a push,
 * does not wait when a receiver asks for it, and pushes at the same moment in all processes that started together.
 */
export function createPusher({ intervalMs, clock, random, push, onFailure }: PusherOptions): Pusher {
  /** Settles when the push under way has ended. */
  let last: Promise<void> = Promise.resolve();
  let changes = 0;
  let pushedChanges = 0;
  let failure: unknown;
  /** When a receiver that asked for a pause may be asked again. */
  let pauseUntil = 0;
  let closed = false;
  let timer: unknown;
  /** Aborts the push that no caller waits for. */
  let background: AbortController | undefined;

  async function run(manner: Manner, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const upTo = changes;
    try {
      await push(manner, signal);
    } catch (thrown) {
      if (!(manner.background === true && signal.aborted)) {
        failure = thrown;
        pauseUntil = clock.monotonic() + ((thrown as AnalyticsError).retryAfterMs ?? 0);
      }
      throw thrown;
    }
    failure = undefined;
    pushedChanges = upTo;
  }

  function inTurn(manner: Manner, signal: AbortSignal): Promise<void> {
    const pushed = last.then(() => run(manner, signal));
    last = pushed.catch(() => {});
    return pushed;
  }

  /** Aborts the background push, so that callers need not wait for it: the next push includes everything that it had. */
  function callOff(): void {
    background?.abort();
    background = undefined;
  }

  async function pushInBackground(): Promise<void> {
    const started = clock.monotonic();
    const controller = new AbortController();
    background = controller;
    let waitMs = 0;
    try {
      await inTurn({ background: true }, controller.signal);
    } catch (thrown) {
      if (!controller.signal.aborted) {
        onFailure(thrown);
        waitMs = (thrown as AnalyticsError).retryAfterMs ?? 0;
      }
    }
    background = undefined;
    schedule(Math.max(waitMs, intervalMs - (clock.monotonic() - started)));
  }

  function schedule(delayMs: number): void {
    if (closed) {
      return;
    }
    const started = clock.setTimeout(() => void pushInBackground(), Math.max(0, delayMs));
    started.unref?.();
    timer = started;
  }

  // At a random point of the first interval, so that processes that started together do not push together.
  schedule(random() * intervalMs);

  return {
    push(signal) {
      callOff();
      return inTurn({}, signal);
    },
    changed() {
      changes += 1;
    },
    async check(signal) {
      if (failure === undefined) {
        return;
      }
      if (clock.monotonic() < pauseUntil) {
        throw failure;
      }
      callOff();
      await inTurn({ maxAttempts: 1 }, signal);
    },
    async close() {
      closed = true;
      clock.clearTimeout(timer);
      callOff();
      await last;
      if (changes === pushedChanges) {
        return;
      }
      // If the previous push failed, such as the flush of a closing client, there is little hope, and no time left.
      const before = failure;
      const signal = before === undefined ? new AbortController().signal : AbortSignal.timeout(lastChanceMs);
      // A timeout would say less than why the previous push failed.
      await inTurn({}, signal).catch((thrown) => onFailure(signal.aborted ? before : thrown));
    },
  };
}
