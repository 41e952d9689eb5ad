import { AnalyticsError } from '@toolweaver/analytics-core';
import { keptAlive, within } from '../clock.ts';
import type { Batch } from '../encoding/batch.ts';
import { failureOf, messageOf } from '../failure.ts';
import { knownInArtifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import { insist } from '../insist.ts';
import { definitionOf, knownInMetric, withDefinition } from '../metric-definition.ts';
import { randomName, toTag } from '../names.ts';
import { type Notify, named } from '../notices.ts';
import type { Run } from '../run/run.ts';
import { throwRefusal } from '../run/run-target.ts';
import { knownInAlert } from '../service/operations.ts';
import type { Settings } from '../settings/settings.ts';
import { untilAborted } from '../until-aborted.ts';
import { checkAlert, checkFile, readArtifact } from './call-forms.ts';
import { createCalls } from './calls.ts';
import { readFinish } from './finish-options.ts';
import { readValues } from './logged.ts';
import { createLoggedRows } from './logged-rows.ts';
import { createMediaQueue } from './media-queue.ts';
import { createSkips } from './skips.ts';
import { knownInLog, type WandbRun } from './wandb-run.ts';

/** The service's rhythm: what comes sooner is sent together. */
const paceMs = 15_000;
/** What waits beyond this is sent at once. */
const maxWaitingRows = 20_000;
/** What waits beyond this, while the service is out of reach, goes into a directory. */
const maxHeldRows = 200_000;
/** What comes beyond this, while nothing that waits arrives anywhere, is left out: memory is the host's. */
const maxRows = 2 * maxHeldRows;

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
  /** What was to be sent is under way, or failed. */
  let behind = false;
  const skips = createSkips(run.info.id, notify);
  const { skip, skipUnknown, tellOnce } = skips;
  let finishing: Promise<void> | undefined;
  const calls = createCalls(clock);
  const lifetime = new AbortController();
  const media = createMediaQueue(run, (message) => skip('upload', message));

  /** A service that is away for a while comes back, or its run goes offline; what fails beside has to be known. */
  function tellFailure(error: unknown): void {
    if (failureOf(error) === undefined && finishing === undefined) {
      const { code } = named(error, 'wandb');
      tellOnce(`failure ${code}`, `what was logged waits, as it cannot be kept: ${messageOf(error)}`, error, code);
    }
  }

  /** Does what a call asks for. Calls after the end are left out, and so is one with something that no type allows. */
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

  /** The same, for what there is then something to tell of. */
  function change(call: string, work: () => void): void {
    take(call, () => {
      work();
      rows.touch();
      schedule();
    });
  }

  function hasWork(): boolean {
    return batch !== undefined || rows.hasWork || media.waiting;
  }

  /** At once the first time, and then at the service's rhythm, unless much waits; after a failure, not before its pause is over. */
  function schedule(): void {
    const isFull = rows.count >= maxWaitingRows;
    // The end sends what is left by itself.
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

  /** Without a directory the rows wait on. */
  function giveUp(reason: string): void {
    try {
      run.giveUp(reason);
    } catch (error) {
      tellOnce('directory', `it cannot go on offline: ${messageOf(error)}`, error);
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
    await media.send(signal);
    sentAt = clock.monotonic();
    await append(takeBatch(), signal);
    behind = false;
    if (hasWork()) {
      schedule();
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

  /** What its caller waits for, and the end of the run, too. */
  async function call(make: Parameters<typeof calls.make>[0]): Promise<void> {
    if (finishing !== undefined) {
      throw new AnalyticsError('CLOSED', `wandb: the run ${run.info.id} has ended`, { backend: 'wandb' });
    }
    await calls.make(make);
  }

  async function flush(signal: AbortSignal): Promise<void> {
    while (finishing === undefined && (sending !== undefined || hasWork())) {
      await sendNow(signal);
    }
    await finishing;
  }

  async function finish(exitCode: number, timeoutMs: number): Promise<void> {
    clock.clearTimeout(timer);
    rows.end();
    // One that hangs must leave the rows, and the end, time to arrive.
    const unlimit = calls.limit(timeoutMs / 2);
    const end = async (signal?: AbortSignal): Promise<void> => {
      await sending?.catch(() => {});
      await untilAborted(calls.settled(), signal);
      await media.send(signal);
      // What an earlier request left goes first, as it was.
      await append(batch, signal);
      await run.finish(exitCode, takeBatch(), signal);
      batch = undefined;
    };
    try {
      await within(clock, timeoutMs, (late) => {
        late.addEventListener('abort', () => lifetime.abort(late.reason), { once: true });
        return insist(() => end(late), clock, late);
      });
    } catch (error) {
      // What the service does not take in time must not be lost with the process.
      run.giveUp(messageOf(error));
      await end();
    } finally {
      clock.clearTimeout(timer);
      unlimit();
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
          if (!Number.isSafeInteger(step) || step < state.step) {
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
          rows.endRow();
        }
        if (hasWork()) {
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
      return call(async (insistOn) => {
        await checkFile(file);
        await insistOn((signal) => run.putFiles([file], throwRefusal, signal));
      });
    },
    logArtifact: (input) =>
      call(async (insistOn) => {
        skipUnknown('logArtifact', input, knownInArtifact);
        await calls.inOrder(input?.name, readArtifact(input, `${run.info.id} ${randomName(32)}`), (artifact) =>
          insistOn((signal) => run.putArtifact(artifact, signal)),
        );
      }),
    alert: (alert) =>
      call(async (insistOn) => {
        skipUnknown('alert', alert, knownInAlert);
        checkAlert(alert);
        await insistOn((signal) => run.alert(alert, signal));
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
    [Symbol.asyncDispose]: () => client.finish(),
  };
  return client;
}
