import { AnalyticsError, type AnalyticsEvent, type Backend } from '@toolweaver/analytics-core';
import {
  checkOptions,
  configError,
  createNotices,
  type OptionNames,
  pause,
  untilAborted,
} from '@toolweaver/analytics-core/backend';
import { agent } from './agent.ts';
import { createEncoder } from './encoding/encoder.ts';
import type { RecordedRun } from './events/recorded-run.ts';
import { createRuns } from './events/runs.ts';
import { createSeen, type Seen } from './events/seen.ts';
import { messageOf } from './failure.ts';
import { makeWandbFolder } from './log/run-directory.ts';
import { toStorageError } from './log/transaction-log.ts';
import { createNotify, named } from './notices.ts';
import { retry } from './retry.ts';
import { checkResume } from './run/resume.ts';
import { firstRun } from './run/resume-file.ts';
import { newRunInfo, type RunInfo } from './run-info.ts';
import { createHttp } from './service/http.ts';
import { askEarlierRun, askViewer } from './service/operations.ts';
import { createService, type Service } from './service/service.ts';
import { type ConnectionOptions, type DescriptionOptions, knownOptions, type ResumeMode } from './settings/options.ts';
import { readSettings, type Settings } from './settings/settings.ts';

/** Where runs go, how they are described, and how executions become rows and alerts. */
export interface WandbOptions extends ConnectionOptions, DescriptionOptions {
  /** Label of the backend's counts and errors. Default: `wandb`. */
  readonly name?: string | undefined;
  /** Executions per row of a run's history, with their means and sums. The summary counts each execution. Default: 1. */
  readonly logFrequency?: number | undefined;
  /** Sends an alert when an execution fails, at most one per this many ms. Default: no alerts. */
  readonly alertIntervalMs?: number | undefined;
}

const known: OptionNames<WandbOptions> = { ...knownOptions, name: true, logFrequency: true, alertIntervalMs: true };

/** Events per request, roughly; their lines stay far below the service's limit. */
const maxEvents = 16_384;
/** The service's own interval: events within it are sent together. */
const onlineDelayMs = 15_000;
const offlineDelayMs = 250;
/** The default timeout of core's `close()`, used if `closing()` was not called. */
const defaultCloseMs = 10_000;
/** Core gives a backend's `close()` at least a second. */
const leastCloseMs = 1_000;

/**
 * Creates a backend that records each run as a Weights & Biases run, and events outside of any run as one more. Makes no
 * request before the first event, unless `resume` is `must` or `never`.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, all of them at once; for the `runId` of a run that is open in this
 * process. `UNSUPPORTED` in a bundle.
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
  return checkOptions(options, known, (check, given) => ({
    name: check.text('name', given.name) ?? 'wandb',
    settings: readSettings(check, given),
    logFrequency: check.number('logFrequency', given.logFrequency, { min: 1, whole: true }) ?? 1,
    alertIntervalMs: check.number('alertIntervalMs', given.alertIntervalMs, { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }));
}

function disabled(name: string): Backend {
  return { name, delivery: 'counting', settings: { mode: 'disabled' }, write() {} };
}

async function opened({ name, settings, logFrequency, alertIntervalMs }: Resolved): Promise<Backend> {
  const { mode, dir, clock, description, finishTimeoutMs } = settings;
  const userAgent = agent(name);
  const first = firstRun(settings);
  const notices = createNotices(settings.onNotice);
  const notify = createNotify(name, notices.report);
  const service = settings.service && createService(settings.service, createHttp(settings.fetch, clock), userAgent);
  const seen = createSeen(maxEvents);
  const encoder = createEncoder();
  const lifetime = new AbortController();
  const { signal: lifetimeSignal } = lifetime;
  const runs = createRuns({
    settings,
    first,
    service,
    seen,
    encoder,
    logFrequency,
    alertIntervalMs,
    signal: lifetimeSignal,
    notify,
  });
  let busy: Promise<unknown> = Promise.resolve();
  /** Aborted after half of the timeout of `close()`. */
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, lifetimeSignal]);
  /** When the timeout of `close()` expires, on the monotonic clock. */
  let closeBy: number | undefined;

  async function write(events: readonly AnalyticsEvent[]): Promise<void> {
    for (const [key, group] of groupsOf(events, seen)) {
      const recorded = runs.of(key, group);
      try {
        await orOffline(recorded, (signal) => recorded.write(group, signal));
      } finally {
        runs.settle(recorded);
      }
      await runs.limit(signal);
    }
  }

  /** While the client closes, data that the service does not accept in time goes into a directory, so that it is not lost. */
  async function orOffline(recorded: RecordedRun, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await (closeBy === undefined ? work(signal) : retry(() => work(signal), clock, late.signal));
    } catch (error) {
      const isAway = late.signal.aborted || (error as AnalyticsError).code === 'BACKEND_UNAVAILABLE';
      if (closeBy === undefined || !isAway || !recorded.run.online || lifetimeSignal.aborted) {
        throw error;
      }
      recorded.run.giveUp(messageOf(error));
      await work(lifetimeSignal);
    }
  }

  /** Runs one task at a time, in the order of the calls. */
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
        runs: runs.locations,
      };
    },
    write: (events) => {
      const batch = events.slice();
      return inTurn(() => write(batch));
    },
    flush: (signal) =>
      untilAborted(
        inTurn(async () => {
          for (const recorded of runs.open) {
            await orOffline(recorded, (ours) => recorded.flush(clock.now(), AbortSignal.any([ours, signal])));
          }
        }),
        signal,
      ),
    attach: notices.attach,
    async check(signal) {
      try {
        for (const { run } of runs.open) {
          if (run.fallback !== undefined) {
            throw new AnalyticsError('BACKEND_UNAVAILABLE', run.fallback);
          }
        }
        await (service === undefined ? checkFolder(dir) : askViewer(service, signal));
      } catch (error) {
        throw named(error, name);
      }
    },
    ...(mode === 'offline' && {
      writeSync(events: readonly AnalyticsEvent[]) {
        for (const [key, group] of groupsOf(events, seen)) {
          // What comes after the end of a run goes on in a second directory.
          for (let rest = group; rest.length > 0; ) {
            const recorded = runs.of(key, rest);
            rest = recorded.writeSync(rest);
            runs.settle(recorded);
          }
        }
      },
    }),
    closing(timeoutMs) {
      closeBy = clock.monotonic() + timeoutMs;
      void pause(clock, timeoutMs / 2, lifetimeSignal).then(() => late.abort(new Error('the client is closing')));
    },
    async close() {
      const end = closeBy ?? clock.monotonic() + defaultCloseMs;
      closeBy = end;
      const halfOfRest = (): number => Math.max(leastCloseMs, end - clock.monotonic()) / 2;
      const grace = pause(clock, halfOfRest(), lifetimeSignal).then(() => 'late');
      if ((await Promise.race([busy.catch(() => {}), grace])) === 'late') {
        lifetime.abort(new Error('the client is closed'));
        await busy.catch(() => {});
      }
      await runs.finish(Math.min(finishTimeoutMs, halfOfRest()));
      first.release();
      lifetime.abort();
      await encoder.close();
    },
  };

  if (service !== undefined && (description.resume === 'must' || description.resume === 'never')) {
    await checkFirst(service, newRunInfo(settings, first.id, clock.now()), description.resume).catch((error) => {
      first.release();
      const { problems } = error as AnalyticsError;
      throw configError(problems.map(({ field, message }) => ({ field, message: `${message} (${name})` })));
    });
  }
  return backend;
}

/**
 * Throws only if the options contradict the service: an outage may end later. Only asks, because a run that a refused program had
 * created would be in the way of the next one.
 */
async function checkFirst(service: Service, info: RunInfo, resume: ResumeMode): Promise<void> {
  let isThere: boolean;
  try {
    isThere = (await askEarlierRun(service, info)) !== undefined;
  } catch {
    return;
  }
  checkResume(resume, isThere, info.id);
}

async function checkFolder(dir: string): Promise<void> {
  try {
    makeWandbFolder(dir);
  } catch (error) {
    throw toStorageError(error, dir);
  }
}

/** The events that have not been delivered yet, by run. */
function groupsOf(events: readonly AnalyticsEvent[], seen: Seen): ReadonlyMap<string, readonly AnalyticsEvent[]> {
  const areNew = seen.areNew(events.map(({ id }) => id));
  const runId = events[0]?.runId;
  if (areNew && events.every((event) => event.runId === runId)) {
    return new Map([[runId ?? '', events]]);
  }
  const groups = new Map<string, AnalyticsEvent[]>();
  const once = new Set<string>();
  for (const event of events) {
    if (!areNew) {
      if (once.has(event.id) || seen.has(event.id)) {
        continue;
      }
      once.add(event.id);
    }
    const key = event.runId ?? '';
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(event);
  }
  return groups;
}
