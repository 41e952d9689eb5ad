import { AnalyticsError } from '@toolweaver/analytics-core';
import { prepareArtifact } from './artifact.ts';
import type { Batch } from './batch.ts';
import { pause } from './clock.ts';
import { failureOf, isRefused, messageOf } from './failure.ts';
import { readValues } from './logged.ts';
import { createLoggedRows } from './logged-rows.ts';
import { imagesOf, isMedia, resolveMedia } from './media.ts';
import { createMediaQueue } from './media-queue.ts';
import type { MetricDefinition } from './metric-definition.ts';
import { artifactNameProblem, artifactTypeProblem, maxTag, randomName } from './names.ts';
import { type Notify, named } from './notices.ts';
import type { Run } from './run.ts';
import type { RunFile } from './run-file.ts';
import type { Settings } from './settings.ts';
import type { WandbRun } from './wandb-run.ts';

/** The service's rhythm: what comes sooner is sent together. */
const paceMs = 15_000;
/** What waits beyond this is sent at once. */
const maxWaitingRows = 20_000;
/** What waits beyond this, while the service is out of reach, goes into a directory. */
const maxHeldRows = 200_000;

/** The run as its program holds it: what is logged is sent at the service's rhythm. */
export function createClient(run: Run, settings: Settings, notify: Notify, onFinished: () => void): WandbRun {
  const { clock, finishTimeoutMs } = settings;
  const rows = createLoggedRows(run, clock);
  let batch: Batch | undefined;
  let sending: Promise<void> | undefined;
  let timer: unknown;
  let timerIsForFull = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let skipped = 0;
  const told = new Set<string>();
  const salt = randomName(32);
  let finishing: Promise<void> | undefined;
  const lifetime = new AbortController();
  const media = createMediaQueue(run, (message) => skip('upload', message));

  function skip(kind: string, message: string): void {
    skipped += 1;
    if (!told.has(kind)) {
      told.add(kind);
      notify(`run ${run.info.id}: ${message}; further ones of this kind are only counted`, undefined, 'INVALID_EVENT');
    }
  }

  /** Whether the run takes no more; then the call counts as left out. */
  function isOver(): boolean {
    if (finishing !== undefined) {
      skip('late', 'what came after the end was left out');
    }
    return finishing !== undefined;
  }

  function resolveIn(step: number): (key: string, value: unknown) => unknown {
    return (key, value) => {
      const found = Array.isArray(value) ? imagesOf(value) : isMedia(value) ? value : undefined;
      if (found === undefined) {
        return undefined;
      }
      const resolved = resolveMedia(found, { key, step, runId: run.info.id, salt });
      media.add(resolved);
      return resolved.value;
    };
  }

  function hasWork(): boolean {
    return batch !== undefined || rows.hasWork || media.waiting;
  }

  /** At once the first time, and then at the service's rhythm, unless much waits; after a failure, not before its pause is over. */
  function schedule(): void {
    const isFull = rows.count >= maxWaitingRows;
    if (timer !== undefined && (!isFull || timerIsForFull)) {
      return;
    }
    clock.clearTimeout(timer);
    timerIsForFull = isFull;
    const now = clock.monotonic();
    const delayMs = Math.max(0, notBefore - now, isFull ? 0 : sentAt + paceMs - now);
    const next = clock.setTimeout(() => {
      timer = undefined;
      sendNow().catch((error) => {
        if (rows.count > maxHeldRows) {
          run.giveUp(messageOf(error));
        }
        const { retryAfterMs = paceMs } = error as { retryAfterMs?: number };
        notBefore = clock.monotonic() + retryAfterMs;
        schedule();
      });
    }, delayMs);
    next.unref?.();
    timer = next;
  }

  function sendNow(signal: AbortSignal = lifetime.signal): Promise<void> {
    sending ??= send(signal).finally(() => {
      sending = undefined;
    });
    return sending;
  }

  async function send(signal: AbortSignal): Promise<void> {
    await media.send(signal);
    sentAt = clock.monotonic();
    const current = takeBatch();
    if (current !== undefined) {
      await run.append(current, signal);
      batch = undefined;
    }
    if (hasWork()) {
      schedule();
    }
  }

  function takeBatch(): Batch | undefined {
    batch ??= rows.take();
    return batch;
  }

  /** Tries again what may succeed then. */
  async function insist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        const { retryAfterMs } = error as { retryAfterMs?: number };
        if (failureOf(error) === undefined || isRefused(error) || signal.aborted || retryAfterMs === undefined) {
          throw named(error, 'wandb');
        }
        await pause(clock, retryAfterMs, signal);
      }
    }
  }

  async function flush(signal: AbortSignal): Promise<void> {
    while (sending !== undefined || hasWork()) {
      await sendNow(signal);
    }
  }

  async function finish(exitCode: number, timeoutMs: number): Promise<void> {
    clock.clearTimeout(timer);
    rows.end();
    const deadline = new AbortController();
    const late = clock.setTimeout(() => {
      deadline.abort(new Error(`not within ${timeoutMs} ms`));
      lifetime.abort(deadline.signal.reason);
    }, timeoutMs);
    const { signal } = deadline;
    const end = async (within?: AbortSignal): Promise<void> => {
      await sending?.catch(() => {});
      await media.send(within);
      // What an earlier request left goes first, as it was.
      if (batch !== undefined) {
        await run.append(batch, within);
        batch = undefined;
      }
      await run.finish(exitCode, takeBatch(), within);
    };
    try {
      await insist(() => end(signal), signal);
    } catch (error) {
      // What the service does not take in time must not be lost with the process.
      run.giveUp(messageOf(error));
      await end();
    } finally {
      clock.clearTimeout(late);
      clock.clearTimeout(timer);
      await run.release();
      onFinished();
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
      return skipped;
    },
    log(given, { step, commit } = {}) {
      if (isOver()) {
        return;
      }
      const { state } = run;
      if (step !== undefined) {
        if (!Number.isSafeInteger(step) || step < state.step) {
          skip('step', `values of step ${step} were left out: the run is at step ${state.step} already`);
          return;
        }
        if (step > state.step) {
          rows.endRow();
          state.step = step;
        }
      }
      rows.add(readValues(given, skip, resolveIn(state.step)));
      if (commit ?? step === undefined) {
        rows.endRow();
      }
      if (hasWork()) {
        schedule();
      }
    },
    setSummary(given) {
      if (isOver()) {
        return;
      }
      for (const [key, value] of Object.entries(given)) {
        if (value === undefined) {
          rows.setSummary(key, undefined);
        }
      }
      const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      for (const [key, { value }] of readValues(kept, skip)) {
        rows.setSummary(key, value);
      }
      rows.touch();
      schedule();
    },
    defineMetric(name, { stepMetric, hidden = false, summary = [] } = {}) {
      if (isOver()) {
        return;
      }
      const { metrics } = run.info;
      const others = metrics.filter((metric) => metric.name !== name);
      const axis: MetricDefinition[] =
        stepMetric === undefined || others.some((metric) => metric.name === stepMetric)
          ? []
          : [{ name: stepMetric, stepMetric: undefined, hidden: false, summary: [] }];
      run.describe({ metrics: [...others, ...axis, { name, stepMetric, hidden, summary: [...summary] }] });
      rows.touch();
      schedule();
    },
    updateConfig(given) {
      if (isOver()) {
        return;
      }
      const read = Array.from(readValues(given, skip), ([key, { value }]) => [key, value] as const);
      run.describe({ config: Object.fromEntries(read) });
      rows.touch();
      schedule();
    },
    setTags(tags) {
      if (isOver()) {
        return;
      }
      run.describe({ tags: [...new Set(tags.map((tag) => String(tag).slice(0, maxTag)).filter((tag) => tag !== ''))] });
      rows.touch();
      schedule();
    },
    saveFile(name, content) {
      const file: RunFile = { name, content: content instanceof Uint8Array ? Uint8Array.from(content) : content };
      return insist(() => run.putFiles([file], lifetime.signal), lifetime.signal);
    },
    async logArtifact(input) {
      const message = artifactNameProblem(input.name) ?? artifactTypeProblem(input.type);
      if (message !== undefined) {
        const problems = [{ field: 'artifact', message }];
        throw new AnalyticsError('INVALID_EVENT', `artifact: ${message}`, { problems });
      }
      const artifact = await prepareArtifact(input, `${run.info.id} ${randomName(32)}`);
      await insist(() => run.putArtifact(artifact, lifetime.signal), lifetime.signal);
    },
    alert: (alert) => insist(() => run.alert(alert, lifetime.signal), lifetime.signal),
    async flush() {
      try {
        await flush(lifetime.signal);
      } catch (error) {
        throw named(error, 'wandb');
      }
    },
    finish({ exitCode = 0, timeoutMs = finishTimeoutMs } = {}) {
      finishing ??= finish(exitCode, timeoutMs);
      return finishing;
    },
    [Symbol.asyncDispose]: () => client.finish(),
  };
  return client;
}
