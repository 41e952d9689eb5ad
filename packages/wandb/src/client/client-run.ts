import { AnalyticsError } from '@toolweaver/analytics-core';
import { describeValue, untilAborted } from '@toolweaver/analytics-core/backend';
import { keptAlive, within } from '../clock.ts';
import type { Batch } from '../encoding/batch.ts';
import { processExitCode } from '../exit-code.ts';
import { failureOf, messageOf } from '../failure.ts';
import { knownInArtifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import { isObject } from '../json-text.ts';
import { definitionOf, knownInMetric, withDefinition } from '../metric-definition.ts';
import { randomName, toTag } from '../names.ts';
import { named } from '../notices.ts';
import { retry } from '../retry.ts';
import type { Run } from '../run/run.ts';
import { throwRefusal } from '../run/run-target.ts';
import { knownInAlert } from '../service/operations.ts';
import type { Settings } from '../settings/settings.ts';
import { checkAlert, checkFile, readArtifact } from './call-forms.ts';
import { createCalls } from './calls.ts';
import { readFinish } from './finish-options.ts';
import { readValues } from './logged.ts';
import { createLoggedRows } from './logged-rows.ts';
import { createMediaQueue } from './media-queue.ts';
import type { Skips } from './skips.ts';
import { knownInLog, type WandbRun } from './wandb-run.ts';

/** The service's own interval: rows within it are sent together. */
const paceMs = 15_000;
/** From this many waiting rows on, they are sent at once. */
const maxWaitingRows = 20_000;
/** If more rows wait after a failure to send, the run goes offline. */
const maxHeldRows = 200_000;
/** Rows beyond this are left out while sending is under way or has failed, to bound memory. */
const maxRows = 2 * maxHeldRows;

/** Creates the run that `startRun()` returns. Logged rows are sent at the service's own interval. */
export function createClientRun(
  run: Run,
  settings: Settings,
  skips: Skips,
  onFinished: (exitCode: number) => void,
): WandbRun {
  const { clock, finishTimeoutMs } = settings;
  const rows = createLoggedRows(run, clock);
  let batch: Batch | undefined;
  let sending: Promise<void> | undefined;
  let isUploading = false;
  let timer: unknown;
  let timerIsForFull = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  /** Whether sending is under way, or has failed. */
  let behind = false;
  const { skip, skipUnknown, tellOnce } = skips;
  let finishing: Promise<void> | undefined;
  const calls = createCalls(clock);
  const lifetime = new AbortController();
  const media = createMediaQueue(run, (message) => skip('upload', message));

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

  /** Does the work of a call that never throws. Leaves it out after the end of the run, and if it throws. */
  function take(call: string, work: () => void): void {
    if (finishing !== undefined) {
      skip('late', 'what came after the end was left out');
      return;
    }
    try {
      work();
    } catch (error) {
      skip(call, `a call of ${call} was left out: ${messageOf(error)}`);
    }
  }

  /** Like `take`, for calls that change the run without a row. */
  function change(call: string, work: () => void): void {
    take(call, () => {
      work();
      rows.touch();
      schedule();
    });
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

  /** Makes a call that both its caller and the end of the run wait for. */
  async function call(make: Parameters<typeof calls.make>[0]): Promise<void> {
    if (finishing !== undefined) {
      throw new AnalyticsError('CLOSED', `wandb: the run ${run.info.id} has ended`, { backend: 'wandb' });
    }
    await calls.make(make);
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

  const client: WandbRun = {
    id: run.info.id,
    get location() {
      return run.location;
    },
    get online() {
      return run.online;
    },
    get stopped() {
      return run.stopped;
    },
    get step() {
      return run.state.step;
    },
    get skipped() {
      return skips.count;
    },
    log: (given, options) =>
      take('log', () => {
        if (behind && rows.count + (batch?.rows.shapes.length ?? 0) >= maxRows) {
          skip('full', `values were left out: ${maxRows} rows wait already`);
          return;
        }
        skipUnknown('log', options, knownInLog);
        const { step, commit } = options ?? {};
        const { state } = run;
        if (step !== undefined) {
          if (!Number.isSafeInteger(step) || step < 0) {
            const given = describeValue(step);
            skip('no step', `values were left out: the step must be a whole number from 0 on, got ${given}`);
            return;
          }
          if (step < state.step) {
            skip('step', `values of step ${step} were left out: the run is at step ${state.step} already`);
            return;
          }
          if (step > state.step) {
            rows.endRow();
            state.step = step;
          }
        }
        rows.add(readValues(given, skip, { onMedia: media.takeIn(state.step) }));
        if (commit ?? step === undefined) {
          // Like the Python client, a call without any values makes a row.
          rows.endRow(isObject(given) && Object.keys(given).length === 0);
        }
        if (hasWork() || media.waiting) {
          schedule();
        }
      }),
    setSummary: (given) =>
      change('setSummary', () => {
        for (const [key, { value }] of readValues(given, skip, { onNone: (key) => rows.setSummary(key, undefined) })) {
          rows.setSummary(key, value);
        }
      }),
    defineMetric: (name, options) =>
      change('defineMetric', () => {
        skipUnknown('defineMetric', options, knownInMetric);
        run.describe({ metrics: withDefinition(run.info.metrics, definitionOf(name, options)) });
      }),
    updateConfig: (given) =>
      change('updateConfig', () => {
        const read = Array.from(readValues(given, skip), ([key, { value }]) => [key, value] as const);
        run.describe({ config: Object.fromEntries(read) });
      }),
    setTags: (tags) =>
      change('setTags', () => {
        const texts = tags.map((tag) => toTag(String(tag))).filter((tag) => tag !== '');
        run.describe({ tags: [...new Set(texts)] });
      }),
    saveFile: (name, content) => {
      const file: RunFile = { name, content: content instanceof Uint8Array ? Uint8Array.from(content) : content };
      return call(async (withRetries) => {
        await checkFile(file);
        await withRetries((signal) => run.putFiles([file], throwRefusal, signal));
      });
    },
    logArtifact: (input) =>
      call(async (withRetries) => {
        skipUnknown('logArtifact', input, knownInArtifact);
        await calls.inOrder(input?.name, readArtifact(input, `${run.info.id} ${randomName(32)}`), (artifact) =>
          withRetries((signal) => run.putArtifact(artifact, signal)),
        );
      }),
    alert: (alert) =>
      call(async (withRetries) => {
        skipUnknown('alert', alert, knownInAlert);
        checkAlert(alert);
        await withRetries((signal) => run.alert(alert, signal));
      }),
    async flush() {
      try {
        await keptAlive(clock, flush(lifetime.signal));
      } catch (error) {
        throw named(error, 'wandb');
      }
    },
    finish(options) {
      const { exitCode, timeoutMs } = readFinish(options, finishTimeoutMs, skips);
      finishing ??= finish(exitCode, timeoutMs);
      return finishing;
    },
    [Symbol.asyncDispose]: () => client.finish({ exitCode: processExitCode() }),
  };
  return client;
}
