import {
  AnalyticsError,
  type AnalyticsEvent,
  type Backend,
  configError,
  type RunEvent,
} from '@toolweaver/analytics-core';
import { pause } from './clock.ts';
import { messageOf } from './failure.ts';
import { createHttp } from './http.ts';
import { createKeyBook, maxNames } from './keys.ts';
import { randomName, toProject, toRunId } from './names.ts';
import { createNotify, named } from './notices.ts';
import { askViewer } from './operations.ts';
import { createRecordedRun, type RecordedRun, startOf } from './recorded-run.ts';
import { createRecorder } from './recorder.ts';
import { forgetRun, rememberRun, unfinishedRun } from './resume-file.ts';
import { createRun, type Run } from './run.ts';
import { makeWandbFolder } from './run-directory.ts';
import type { RunInfo } from './run-info.ts';
import { createSeen } from './seen.ts';
import { createService } from './service.ts';
import {
  type ConnectionOptions,
  checkOptions,
  type DescriptionOptions,
  readSettings,
  type Settings,
} from './settings.ts';
import { toStorageError } from './transaction-log.ts';
import { agent } from './version.ts';

export interface WandbOptions extends ConnectionOptions, DescriptionOptions {
  /** Label of its counts and errors. Default: `wandb`. */
  readonly name?: string | undefined;
  /** Executions that make one row of a run's history: their means and sums. The summary counts each of them. Default: 1. */
  readonly logFrequency?: number | undefined;
  /** Sends an alert when an execution fails, at most one in this many ms. Default: none. */
  readonly alertIntervalMs?: number | undefined;
}

/** Events of one request, about; their lines are far below what the service takes. */
const maxEvents = 8_192;
/** The service's rhythm: what comes sooner is sent together. */
const onlineDelayMs = 15_000;
const offlineDelayMs = 250;
/** Runs that are open at a time; the one that was used the longest ago is finished, and goes on when it is used again. */
const maxRuns = 64;
const maxLocations = 10;
/** Steps of runs that have ended, for what may come late. */
const maxEnded = 1_000;
const closeGraceMs = 5_000;

/**
 * A backend that makes a Weights & Biases run of each run, and one of what belongs to none. Makes no request before the first event, unless
 * `resume` says that it must know what is there.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, all of them at once.
 */
export async function wandb(options: WandbOptions = {}): Promise<Backend> {
  const resolved = resolveOptions(options);
  return resolved.settings.mode === 'disabled' ? disabled(resolved.name) : opened(resolved);
}

interface Resolved {
  readonly name: string;
  readonly settings: Settings;
  readonly logFrequency: number;
  readonly alertIntervalMs: number | undefined;
}

function resolveOptions(options: WandbOptions): Resolved {
  return checkOptions((check) => {
    const { logFrequency } = options;
    if (logFrequency !== undefined && !(Number.isSafeInteger(logFrequency) && logFrequency >= 1)) {
      check.wrong('logFrequency', `must be a whole number >= 1, got ${String(logFrequency)}`);
    }
    const name = check.text('name', options.name) ?? 'wandb';
    if (name.trim() === '') {
      check.wrong('name', 'must not be blank');
    }
    return {
      name,
      settings: readSettings(check, options),
      logFrequency: logFrequency ?? 1,
      alertIntervalMs: check.number('alertIntervalMs', options.alertIntervalMs, 0, Number.MAX_SAFE_INTEGER),
    };
  });
}

function disabled(name: string): Backend {
  return { name, delivery: 'immediate', settings: { mode: 'disabled' }, write() {} };
}

async function opened({ name, settings, logFrequency, alertIntervalMs }: Resolved): Promise<Backend> {
  const { mode, appUrl, dir, offlineAfterMs, clock, description, finishTimeoutMs } = settings;
  const notify = createNotify(name, settings.onNotice);
  const service =
    settings.service === undefined
      ? undefined
      : createService(settings.service, createHttp(settings.fetch, clock), agent());
  const book = createKeyBook(() =>
    notify(`more than ${maxNames} names; further ones share the keys of _other`, undefined, 'INTERNAL'),
  );
  const seen = createSeen(maxEvents);
  /** By the id that events carry; '' for the run of what belongs to none. In order of use. */
  const runs = new Map<string, RecordedRun>();
  const ended = new Map<string, number>();
  const locations = new Map<string, string>();
  const lifetime = new AbortController();
  let busy: Promise<unknown> = Promise.resolve();
  let alertedAt = Number.NEGATIVE_INFINITY;

  function newRun(key: string, first: RunEvent | undefined, at: number): RecordedRun {
    const isDefault = key === '';
    const resume = isDefault ? description.resume : 'allow';
    const unfinished = isDefault && resume === 'auto' && mode === 'online' ? unfinishedRun(dir) : undefined;
    const id = isDefault ? (unfinished ?? description.runId ?? randomName(8)) : toRunId(key);
    const info: RunInfo = {
      id,
      project: first?.project === undefined ? settings.project : toProject(first.project),
      entity: settings.entity,
      name: isDefault ? description.runName : first?.name,
      notes: description.notes,
      tags: description.tags,
      config: { ...description.config, ...(id !== key && !isDefault && { run_id: key }) },
      group: description.group,
      jobType: description.jobType,
      host: description.host,
      program: description.program,
      startedAt: at,
      metrics: [],
    };
    const run = createRun({
      info,
      resume: mode === 'online' ? resume : undefined,
      service,
      appUrl,
      dir,
      offlineAfterMs,
      clock,
      startingStep: ended.get(key),
      onNotice: notify,
    });
    if (isDefault && resume === 'auto' && mode === 'online') {
      rememberRun(dir, id);
    }
    return createRecordedRun({
      run,
      recorder: createRecorder(book, logFrequency),
      seen,
      baseTags: description.tags,
      onNotice: notify,
      onFailure: ({ prefix, event }) => void alert(run, prefix, event.error?.message ?? event.error?.type ?? 'failed'),
    });
  }

  async function alert(run: Run, prefix: string, text: string): Promise<void> {
    if (alertIntervalMs === undefined || clock.monotonic() - alertedAt < alertIntervalMs) {
      return;
    }
    alertedAt = clock.monotonic();
    try {
      await run.alert({ title: `Failure: ${prefix}`, text, level: 'WARN', waitMs: alertIntervalMs }, lifetime.signal);
    } catch (error) {
      notify(`an alert was not sent: ${messageOf(error)}`, error);
    }
  }

  function runOf(key: string, events: readonly AnalyticsEvent[]): RecordedRun {
    const startedAt = events.reduce((at, event) => Math.min(at, event.at), clock.now());
    const found = runs.get(key) ?? newRun(key, startOf(events), startedAt);
    runs.delete(key);
    runs.set(key, found);
    return found;
  }

  /** Keeps what is shown of runs, and lets go of those that have ended. */
  function tidy(key: string, { run, ended: isEnded }: RecordedRun): void {
    if (run.location !== undefined) {
      locations.delete(run.info.id);
      locations.set(run.info.id, run.location);
      removeOldest(locations, maxLocations);
    }
    if (isEnded) {
      runs.delete(key);
      ended.set(key, run.state.step);
      removeOldest(ended, maxEnded);
    }
  }

  /** What has not been delivered yet, by run. */
  function groupsOf(events: readonly AnalyticsEvent[]): Map<string, AnalyticsEvent[]> {
    const groups = new Map<string, AnalyticsEvent[]>();
    let once: Set<string> | undefined;
    let previous = '';
    let current: AnalyticsEvent[] = [];
    let currentKey: string | undefined;
    for (const event of events) {
      // Ids that do not grow may come twice.
      if (event.id <= previous) {
        once ??= new Set(events.slice(0, events.indexOf(event)).map(({ id }) => id));
      }
      previous = event.id;
      if (seen.has(event.id) || once?.has(event.id)) {
        continue;
      }
      once?.add(event.id);
      const key = event.runId ?? '';
      if (key !== currentKey) {
        currentKey = key;
        current = groups.get(key) ?? [];
        groups.set(key, current);
      }
      current.push(event);
    }
    return groups;
  }

  async function write(events: readonly AnalyticsEvent[]): Promise<void> {
    for (const [key, group] of groupsOf(events)) {
      const recorded = runOf(key, group);
      try {
        await recorded.write(group, lifetime.signal);
      } finally {
        tidy(key, recorded);
      }
    }
    const [oldest] = runs;
    if (runs.size > maxRuns && oldest !== undefined) {
      await finish(oldest[0], oldest[1], lifetime.signal);
    }
  }

  async function finish(key: string, recorded: RecordedRun, signal: AbortSignal): Promise<void> {
    try {
      await recorded.finish(Number(process.exitCode ?? 0) || 0, clock.now(), signal);
    } catch (error) {
      notify(`run ${recorded.run.info.id} could not be ended: ${messageOf(error)}`, error);
    }
    await recorded.run.release();
    tidy(key, recorded);
    runs.delete(key);
    if (key === '' && recorded.ended && description.resume === 'auto') {
      forgetRun(dir);
    }
  }

  /** One thing after another, whoever asks. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const previous = busy;
    const done = (async () => {
      await previous.catch(() => {});
      try {
        return await work();
      } catch (error) {
        throw named(error, name);
      }
    })();
    busy = done;
    return done;
  }

  const backend: Backend = {
    name,
    delivery: { maxEvents, maxDelayMs: mode === 'online' ? onlineDelayMs : offlineDelayMs },
    get settings() {
      return {
        mode,
        project: settings.project,
        entity: settings.entity ?? null,
        baseUrl: settings.baseUrl,
        apiKey: settings.service?.apiKey ?? null,
        logFrequency,
        runs: [...locations.values()],
      };
    },
    write: (events) => {
      const batch = events.slice();
      return inTurn(() => write(batch));
    },
    flush: (signal) =>
      inTurn(async () => {
        for (const recorded of runs.values()) {
          await recorded.flush(clock.now(), signal);
        }
      }),
    async check(signal) {
      try {
        const gone = service && [...runs.values()].find(({ run }) => !run.online);
        if (gone !== undefined) {
          throw new AnalyticsError(
            'BACKEND_UNAVAILABLE',
            `the service failed run ${gone.run.info.id}, which goes on offline in ${gone.run.location}`,
          );
        }
        await (service === undefined ? checkFolder(dir) : askViewer(service, signal));
      } catch (error) {
        throw named(error, name);
      }
    },
    ...(mode === 'offline' && {
      writeSync(events: readonly AnalyticsEvent[]) {
        for (const [key, group] of groupsOf(events)) {
          const recorded = runOf(key, group);
          recorded.writeSync(group);
          tidy(key, recorded);
        }
      },
    }),
    async close() {
      const grace = pause(clock, closeGraceMs, lifetime.signal).then(() => 'late');
      if ((await Promise.race([busy.catch(() => {}), grace])) === 'late') {
        lifetime.abort(new Error('the client is closed'));
        await busy.catch(() => {});
      }
      const deadline = new AbortController();
      const timer = clock.setTimeout(
        () => deadline.abort(new Error(`not within ${finishTimeoutMs} ms`)),
        finishTimeoutMs,
      );
      timer.unref?.();
      await Promise.all([...runs].map(([key, recorded]) => finish(key, recorded, deadline.signal)));
      clock.clearTimeout(timer);
      lifetime.abort();
    },
  };

  if (description.resume === 'must' || description.resume === 'never') {
    await startNow(runOf('', []), name);
  }
  return backend;
}

/** What is not there yet may come; what contradicts the options will not. */
async function startNow({ run }: RecordedRun, name: string): Promise<void> {
  try {
    await run.start();
  } catch (error) {
    const { code, problems } = error as AnalyticsError;
    if (code === 'INVALID_CONFIG') {
      await run.release();
      throw configError(problems.map(({ field, message }) => ({ field, message: `${message} (${name})` })));
    }
  }
}

async function checkFolder(dir: string): Promise<void> {
  try {
    makeWandbFolder(dir);
  } catch (error) {
    throw toStorageError(error, dir);
  }
}

function removeOldest(map: Map<string, unknown>, bound: number): void {
  for (const key of map.keys()) {
    if (map.size <= bound) {
      return;
    }
    map.delete(key);
  }
}
