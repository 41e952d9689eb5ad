import type { AnalyticsError, Clock } from '@toolweaver/analytics-core';
import type { Manner } from './metrics-exporter.ts';

/** A client that closes leaves a backend at least a second. */
const lastChanceMs = 800;
/** The longest wish of a receiver that is granted. */
const maxRetryAfterMs = 300_000;

export interface PusherOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Collects and delivers. Resolves when the receiver accepted all that was counted before the call. */
  readonly push: (manner: Manner, signal: AbortSignal) => Promise<void>;
  /** Told of pushes that nobody waits for. */
  readonly onFailure: (error: unknown) => void;
}

export interface Pusher {
  /** Pushes now, after what is under way. Rejects when it could not, with the reason. */
  push(signal: AbortSignal): Promise<void>;
  /** Notes that there is something to push. */
  changed(): void;
  /** Why the latest push failed; undefined when it did not. */
  readonly failure: unknown;
  /** Pushes what was not pushed, if it can, and stops. Never rejects. */
  close(): Promise<void>;
}

/**
 * Pushes at intervals, one push at a time. OpenTelemetry's `PeriodicExportingMetricReader` does not say what became of a push, does
 * not wait when a receiver asks for it, and begins with all that start with it at the same moment.
 */
export function createPusher({ intervalMs, clock, random, push, onFailure }: PusherOptions): Pusher {
  /** Settles when the push under way has ended. */
  let last: Promise<void> = Promise.resolve();
  let changes = 0;
  let pushedChanges = 0;
  let failure: unknown;
  let closed = false;
  let timer: unknown;
  /** Of the push that nobody waits for. */
  let background: AbortController | undefined;

  async function run(manner: Manner, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const upTo = changes;
    try {
      await push(manner, signal);
    } catch (thrown) {
      if (!(manner.background === true && signal.aborted)) {
        failure = thrown;
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

  /** Whoever waits for a push does not wait for this one: the next has all that it had. */
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
        waitMs = Math.min((thrown as AnalyticsError).retryAfterMs ?? 0, maxRetryAfterMs);
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

  // Somewhere in the first interval, so that what was started together does not push together.
  schedule(random() * intervalMs);

  return {
    push(signal) {
      callOff();
      return inTurn({}, signal);
    },
    changed() {
      changes += 1;
    },
    get failure() {
      return failure;
    },
    async close() {
      closed = true;
      clock.clearTimeout(timer);
      callOff();
      await last;
      if (changes === pushedChanges) {
        return;
      }
      // Where the push before failed, as the one of a closing client, there is little hope, and no time left.
      const before = failure;
      const signal = before === undefined ? new AbortController().signal : AbortSignal.timeout(lastChanceMs);
      // That it took too long says less than why the push before failed.
      await inTurn({}, signal).catch((thrown) => onFailure(signal.aborted ? before : thrown));
    },
  };
}
