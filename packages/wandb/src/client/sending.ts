import type { Clock } from '@toolweaver/analytics-core';
import { untilAborted } from '@toolweaver/analytics-core/backend';
import { keptAlive, within } from '../clock.ts';
import type { Batch } from '../encoding/batch.ts';
import { failureOf, messageOf } from '../failure.ts';
import { named } from '../notices.ts';
import { retry } from '../retry.ts';
import type { Run } from '../run/run.ts';
import type { Calls } from './calls.ts';
import type { LoggedRows } from './logged-rows.ts';
import type { MediaQueue } from './media-queue.ts';
import type { Skips } from './skips.ts';

/** The service's own interval: rows within it are sent together. */
const paceMs = 15_000;
/** From this many waiting rows on, they are sent at once. */
const maxWaitingRows = 20_000;
/** If more rows wait after a failure to send, the run goes offline. */
const maxHeldRows = 200_000;
/** Rows beyond this are left out while sending is under way or has failed, to bound memory. */
export const maxRows: number = 2 * maxHeldRows;

/** How what is logged in a run gets out of the process. */
interface Sending {
  /** Whether the run has ended, or is ending. */
  readonly ended: boolean;
  /** Whether as many rows wait as may. */
  readonly isFull: boolean;
  /** Sends what waits, sooner or later. */
  schedule(): void;
  /** Resolves when nothing waits any more. Rejects with the failure of a request. */
  flush(): Promise<void>;
  /** Sends the rest and ends the run; goes offline where that takes longer than `timeoutMs`. The first call counts. */
  finish(exitCode: number, timeoutMs: number): Promise<void>;
}

interface SendingParts {
  readonly rows: LoggedRows;
  readonly media: MediaQueue;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly tellOnce: Skips['tellOnce'];
  readonly onFinished: (exitCode: number) => void;
}

/** Rows are sent at the service's own interval. */
export function createSending(run: Run, { rows, media, calls, clock, tellOnce, onFinished }: SendingParts): Sending {
  let batch: Batch | undefined;
  let sending: Promise<void> | undefined;
  let isUploading = false;
  let timer: unknown;
  let timerIsForFull = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  /** Whether sending is under way, or has failed. */
  let behind = false;
  let finishing: Promise<void> | undefined;
  const lifetime = new AbortController();

  /** Reports failures that no request caused. Failed requests are retried until the run goes offline, which is reported. */
  function tellFailure(error: unknown): void {
    if (failureOf(error) === undefined && finishing === undefined) {
      const { code } = named(error, 'wandb');
      tellOnce(
        `failure ${code}`,
        `logged data waits, because it can be neither sent nor stored: ${messageOf(error)}`,
        error,
        code,
      );
    }
  }

  function hasWork(): boolean {
    return batch !== undefined || rows.hasWork;
  }

  /** Sends at once the first time or if many rows wait, otherwise once per interval; after a failure, not before its backoff. */
  function schedule(): void {
    const isFull = rows.count >= maxWaitingRows;
    // `finish` sends the rest itself.
    if (finishing !== undefined || (timer !== undefined && (!isFull || timerIsForFull))) {
      return;
    }
    clock.clearTimeout(timer);
    timerIsForFull = isFull;
    const now = clock.monotonic();
    const delayMs = Math.max(0, notBefore - now, isFull ? 0 : sentAt + paceMs - now);
    const next = clock.setTimeout(() => {
      timer = undefined;
      sendNow().catch((error) => {
        tellFailure(error);
        if (rows.count > maxHeldRows) {
          giveUp(messageOf(error));
        }
        const { retryAfterMs = paceMs } = error as { retryAfterMs?: number };
        notBefore = clock.monotonic() + retryAfterMs;
        schedule();
      });
    }, delayMs);
    next.unref?.();
    timer = next;
  }

  /** Goes offline. If there can be no directory, the rows keep waiting. */
  function giveUp(reason: string): void {
    try {
      run.giveUp(reason);
    } catch (error) {
      tellOnce('directory', `it cannot continue offline: ${messageOf(error)}`, error);
    }
  }

  function sendNow(signal: AbortSignal = lifetime.signal): Promise<void> {
    sending ??= send(signal).finally(() => {
      sending = undefined;
    });
    return sending;
  }

  async function send(signal: AbortSignal): Promise<void> {
    behind = true;
    void upload();
    sentAt = clock.monotonic();
    await append(takeBatch(), signal);
    behind = false;
    if (hasWork()) {
      schedule();
    }
  }

  /** Sends media apart from rows, which an outage of the storage must not hold up. Retries until the end of the run. */
  async function upload(): Promise<void> {
    if (isUploading) {
      return;
    }
    isUploading = true;
    try {
      await retry(() => media.send(lifetime.signal), clock, lifetime.signal);
    } catch (error) {
      tellFailure(error);
    } finally {
      isUploading = false;
    }
  }

  async function append(current: Batch | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (current !== undefined) {
      await run.append(current, signal);
      batch = undefined;
    }
  }

  function takeBatch(): Batch | undefined {
    batch ??= rows.take();
    return batch;
  }

  async function flush(signal: AbortSignal): Promise<void> {
    while (finishing === undefined && (sending !== undefined || hasWork() || media.waiting)) {
      await sendNow(signal);
      await media.send(signal);
    }
    await finishing;
  }

  async function finish(exitCode: number, timeoutMs: number): Promise<void> {
    clock.clearTimeout(timer);
    rows.end();
    // A call that hangs must leave time to send the rows and the end.
    const unlimit = calls.limit(timeoutMs / 2);
    const end = async (signal?: AbortSignal): Promise<void> => {
      await sending?.catch(() => {});
      await untilAborted(calls.settled(), signal);
      if (media.waiting) {
        await append(takeBatch(), signal);
        await media.send(signal);
      }
      // The unchanged batch of an earlier failed request goes first.
      await append(batch, signal);
      await run.finish(exitCode, takeBatch(), signal);
      batch = undefined;
    };
    try {
      await within(clock, timeoutMs, (late) => {
        late.addEventListener('abort', () => lifetime.abort(late.reason), { once: true });
        return retry(() => end(late), clock, late);
      });
    } catch (error) {
      // Rows that the service does not accept in time must not be lost with the process.
      run.giveUp(messageOf(error));
      await end();
    } finally {
      clock.clearTimeout(timer);
      unlimit();
      lifetime.abort();
      await run.release();
      onFinished(exitCode);
    }
  }

  return {
    get ended() {
      return finishing !== undefined;
    },
    get isFull() {
      return behind && rows.count + (batch?.rows.shapes.length ?? 0) >= maxRows;
    },
    schedule() {
      if (hasWork() || media.waiting) {
        schedule();
      }
    },
    async flush() {
      try {
        await keptAlive(clock, flush(lifetime.signal));
      } catch (error) {
        throw named(error, 'wandb');
      }
    },
    finish(exitCode, timeoutMs) {
      finishing ??= finish(exitCode, timeoutMs);
      return finishing;
    },
  };
}
