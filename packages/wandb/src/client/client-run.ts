import { AnalyticsError } from '@toolweaver/analytics-core';
import { describeValue } from '@toolweaver/analytics-core/backend';
import { processExitCode } from '../exit-code.ts';
import { messageOf } from '../failure.ts';
import { knownInArtifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import { isObject } from '../json-text.ts';
import { definitionOf, knownInMetric, withDefinition } from '../metric-definition.ts';
import { randomName, toTag } from '../names.ts';
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
import { createSending, maxRows } from './sending.ts';
import type { Skips } from './skips.ts';
import { knownInLog, type WandbRun } from './wandb-run.ts';

/** Creates the run that `startRun()` returns. Logged rows are sent at the service's own interval. */
export function createClientRun(
  run: Run,
  settings: Settings,
  skips: Skips,
  onFinished: (exitCode: number) => void,
): WandbRun {
  const { clock, finishTimeoutMs } = settings;
  const rows = createLoggedRows(run, clock);
  const calls = createCalls(clock);
  const { skip, skipUnknown, tellOnce } = skips;
  const media = createMediaQueue(run, (message) => skip('upload', message));
  const sending = createSending(run, { rows, media, calls, clock, tellOnce, onFinished });

  /** Does the work of a call that never throws. Leaves it out after the end of the run, and if it throws. */
  function take(call: string, work: () => void): void {
    if (sending.ended) {
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
      sending.schedule();
    });
  }

  /** Makes a call that both its caller and the end of the run wait for. */
  async function call(make: Parameters<typeof calls.make>[0]): Promise<void> {
    if (sending.ended) {
      throw new AnalyticsError('CLOSED', `wandb: the run ${run.info.id} has ended`, { backend: 'wandb' });
    }
    await calls.make(make);
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
        if (sending.isFull) {
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
        sending.schedule();
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
    flush: sending.flush,
    finish(options) {
      const { exitCode, timeoutMs } = readFinish(options, finishTimeoutMs, skips);
      return sending.finish(exitCode, timeoutMs);
    },
    [Symbol.asyncDispose]: () => client.finish({ exitCode: processExitCode() }),
  };
  return client;
}
