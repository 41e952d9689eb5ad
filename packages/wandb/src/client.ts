import { checkOptions, type OptionNames, pause } from '@toolweaver/analytics-core/backend';
import { agent } from './agent.ts';
import { createClientRun } from './client/client-run.ts';
import { snapshot } from './client/logged.ts';
import { createSkips } from './client/skips.ts';
import type { WandbRun } from './client/wandb-run.ts';
import { within } from './clock.ts';
import { createEncoder } from './encoding/encoder.ts';
import { failureOf, messageOf } from './failure.ts';
import { randomName } from './names.ts';
import { createNotify, named } from './notices.ts';
import { firstRun } from './run/resume-file.ts';
import { createRun, type Run } from './run/run.ts';
import { newRunInfo } from './run-info.ts';
import { createHttp } from './service/http.ts';
import { createService } from './service/service.ts';
import { type ConnectionOptions, type DescriptionOptions, knownOptions } from './settings/options.ts';
import { readSettings, type Settings } from './settings/settings.ts';

/** Options of `startRun()`: where the run goes, and how it is described. */
export interface RunClientOptions extends ConnectionOptions, DescriptionOptions {
  /** How long `startRun()` tries to reach the service before the run goes offline. Default: 90000. */
  readonly initTimeoutMs?: number | undefined;
}

const known: OptionNames<RunClientOptions> = { ...knownOptions, initTimeoutMs: true };

/**
 * Starts a run. Resolves when the run exists at the service, or is offline.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, all of them at once, and for what `resume` does not allow;
 * `UNSUPPORTED` in a bundle.
 */
export async function startRun(options: RunClientOptions = {}): Promise<WandbRun> {
  const { settings, initTimeoutMs } = checkOptions(options, known, (check, given) => ({
    settings: readSettings(check, given),
    initTimeoutMs: check.number('initTimeoutMs', given.initTimeoutMs, { min: 1, max: 3_600_000 }) ?? 90_000,
  }));
  const { mode, clock, dir, description } = settings;
  if (mode === 'disabled') {
    return disabledRun(description.runId ?? randomName(8));
  }
  const userAgent = agent('wandb');
  const first = firstRun(settings);
  const notify = createNotify('wandb', settings.onNotice);
  const skips = createSkips(first.id, notify);
  const encoder = createEncoder();
  const run = createRun({
    info: {
      ...newRunInfo(settings, first.id, clock.now()),
      config: snapshot(description.config) as Record<string, unknown>,
    },
    resume: mode === 'online' ? description.resume : undefined,
    service: settings.service && createService(settings.service, createHttp(settings.fetch, clock), userAgent),
    appUrl: settings.appUrl,
    dir,
    offlineAfterMs: settings.offlineAfterMs,
    encoder,
    clock,
    onNotice: notify,
    onLeftOut: skips.skip,
  });
  first.remember();
  try {
    await begin(run, settings, initTimeoutMs);
  } catch (error) {
    first.release();
    throw error;
  }
  return createClientRun(run, settings, skips, (exitCode) => {
    void encoder.close();
    first.end(exitCode);
    first.release();
  });
}

async function begin(run: Run, { clock }: Settings, timeoutMs: number): Promise<void> {
  const end = clock.monotonic() + timeoutMs;
  await within(clock, timeoutMs, async (late) => {
    for (;;) {
      try {
        return await run.start(late, true);
      } catch (error) {
        const { code, retryAfterMs = 2_000 } = error as { code?: string; retryAfterMs?: number };
        if (code === 'INVALID_CONFIG' || (failureOf(error) === undefined && !late.aborted)) {
          throw named(error, 'wandb');
        }
        if (late.aborted || clock.monotonic() + retryAfterMs > end) {
          return run.giveUp(messageOf(error));
        }
        await pause(clock, retryAfterMs, late);
      }
    }
  });
}

function disabledRun(id: string): WandbRun {
  const nothing = (): void => {};
  const done = async (): Promise<void> => {};
  return {
    id,
    location: undefined,
    online: false,
    stopped: false,
    step: 0,
    skipped: 0,
    log: nothing,
    setSummary: nothing,
    defineMetric: nothing,
    updateConfig: nothing,
    setTags: nothing,
    saveFile: done,
    logArtifact: done,
    alert: done,
    flush: done,
    finish: done,
    [Symbol.asyncDispose]: done,
  };
}
