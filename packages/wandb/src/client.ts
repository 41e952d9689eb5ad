import { checkOptions, type Known } from './check.ts';
import { createClient } from './client-run.ts';
import { pause, within } from './clock.ts';
import { createEncoder } from './encoder.ts';
import { failureOf, messageOf } from './failure.ts';
import { createHttp } from './http.ts';
import { snapshot } from './logged.ts';
import { randomName } from './names.ts';
import { createNotify, named } from './notices.ts';
import { type ConnectionOptions, type DescriptionOptions, knownOptions } from './options.ts';
import { forgetRun, rememberRun, unfinishedRun } from './resume-file.ts';
import { createRun, type Run } from './run.ts';
import { createService } from './service.ts';
import { readSettings, type Settings } from './settings.ts';
import { agent } from './version.ts';
import type { WandbRun } from './wandb-run.ts';

/** Where a run of the program's own goes, and what is shown of it. */
export interface RunClientOptions extends ConnectionOptions, DescriptionOptions {
  /** How long the start may try to reach the service before the run goes offline. Default: 90000. */
  readonly initTimeoutMs?: number | undefined;
}

const known: Known<RunClientOptions> = { ...knownOptions, initTimeoutMs: true };

/**
 * Starts a run, at the service or offline. Resolves when it has one of them.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, all of them at once, and for what `resume` does not allow.
 */
export async function startRun(options: RunClientOptions = {}): Promise<WandbRun> {
  const { settings, initTimeoutMs } = checkOptions(options, known, (check) => ({
    settings: readSettings(check, options),
    initTimeoutMs: check.number('initTimeoutMs', options.initTimeoutMs, 1, 3_600_000) ?? 90_000,
  }));
  const { mode, clock, dir, description } = settings;
  const online = mode === 'online' && settings.service !== undefined;
  const isAuto = description.resume === 'auto' && online;
  const id = description.runId ?? (isAuto ? unfinishedRun(dir) : undefined) ?? randomName(8);
  const notify = createNotify('wandb', settings.onNotice);
  if (mode === 'disabled') {
    return disabledRun(id);
  }
  const encoder = createEncoder();
  const run = createRun({
    info: {
      id,
      project: settings.project,
      entity: settings.entity,
      name: description.runName,
      notes: description.notes,
      tags: description.tags,
      config: snapshot(description.config) as Record<string, unknown>,
      group: description.group,
      jobType: description.jobType,
      host: description.host,
      program: description.program,
      startedAt: clock.now(),
      metrics: [],
    },
    resume: online ? description.resume : undefined,
    service: settings.service && createService(settings.service, createHttp(settings.fetch, clock), agent()),
    appUrl: settings.appUrl,
    dir,
    offlineAfterMs: settings.offlineAfterMs,
    encoder,
    clock,
    onNotice: notify,
  });
  if (isAuto) {
    rememberRun(dir, id);
  }
  await begin(run, settings, initTimeoutMs);
  return createClient(run, settings, notify, () => {
    void encoder.close();
    if (isAuto) {
      forgetRun(dir);
    }
  });
}

async function begin(run: Run, { clock }: Settings, timeoutMs: number): Promise<void> {
  const end = clock.monotonic() + timeoutMs;
  await within(clock, timeoutMs, async (late) => {
    for (;;) {
      try {
        return await run.start(late);
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
