import type { AnalyticsEvent, RunEvent } from '@toolweaver/analytics-core';
import { untilAborted } from '@toolweaver/analytics-core/backend';
import { within } from '../clock.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { processExitCode } from '../exit-code.ts';
import { messageOf } from '../failure.ts';
import { toProject, toRunId } from '../names.ts';
import type { Notify } from '../notices.ts';
import type { FirstRun } from '../run/resume-file.ts';
import { createRun, type Run } from '../run/run.ts';
import { newRunInfo, type RunInfo } from '../run-info.ts';
import type { Service } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import { createKeyBook, maxNames } from './keys.ts';
import { createRecordedRun, type RecordedRun, startOf } from './recorded-run.ts';
import { createRecorder } from './recorder.ts';
import type { Seen } from './seen.ts';

/** Well before core gives up a batch. */
const maxFailures = 8;
/** Maximum number of open runs. */
const maxRuns = 64;
const maxLocations = 10;
/** Ended runs that are remembered, for late events. */
const maxEnded = 1_000;
/** Ended offline runs whose summaries are kept. Summaries are large, and the service has those of online runs. */
const maxSummaries = 64;

export interface RunsOptions {
  readonly settings: Settings;
  /** The default run. */
  readonly first: FirstRun;
  readonly service: Service | undefined;
  readonly seen: Seen;
  readonly encoder: Encoder;
  readonly logFrequency: number;
  /** Undefined: no alerts. */
  readonly alertIntervalMs: number | undefined;
  /** Aborts work that nobody waits for. */
  readonly signal: AbortSignal;
  readonly notify: Notify;
}

/**
 * The runs of a backend, by the `runId` of events; '' is the default run, for events without one. Keys that map to the same
 * run of the service share one run here: two that number its rows would overwrite each other's.
 */
export interface Runs {
  /** The run that these events belong to. Creates it if it is missing. */
  of(key: string, events: readonly AnalyticsEvent[]): RecordedRun;
  readonly open: Iterable<RecordedRun>;
  /** Pages and directories of the latest runs. */
  readonly locations: readonly string[];
  /** To be called after each use of a run: keeps its location, and releases the run if it has ended. */
  settle(run: RecordedRun): void;
  /** Ends the least recently used runs while there are too many. */
  limit(signal: AbortSignal): Promise<void>;
  /** Ends all runs, and waits for alerts. What the service does not accept of runs within the timeout goes into directories. */
  finish(timeoutMs: number): Promise<void>;
}

interface EndedRun {
  readonly step: number;
  readonly runtime: number;
  readonly info: RunInfo;
  readonly exitCode: number;
}

export function createRuns(options: RunsOptions): Runs {
  const { settings, first, service, seen, encoder, logFrequency, alertIntervalMs, signal: lifetime, notify } = options;
  const { mode, appUrl, dir, offlineAfterMs, finishTimeoutMs, clock, description } = settings;
  const book = createKeyBook(() =>
    notify(`more than ${maxNames} names and versions; further ones share the keys of _other`, undefined, 'INTERNAL'),
  );
  const defaultId = first.id;
  /** By the service's id, least recently used first. */
  const runs = new Map<string, RecordedRun>();
  const ended = new Map<string, EndedRun>();
  const summaries = new Map<string, ReadonlyMap<string, unknown>>();
  const locations = new Map<string, string>();
  /** Alerts under way. Only the end waits for them: a short program fails shortly before it. */
  const alerts = new Set<Promise<void>>();
  let alertedAt = Number.NEGATIVE_INFINITY;

  function idOf(key: string): string {
    return key === '' ? defaultId : toRunId(key);
  }

  function newRun(key: string, start: RunEvent | undefined, startedAt: number): RecordedRun {
    const id = idOf(key);
    const isDefault = id === defaultId;
    const before = ended.get(id);
    const info: RunInfo = before
      ? { ...before.info, startedAt }
      : {
          ...newRunInfo(settings, id, startedAt),
          ...(start?.project !== undefined && { project: toProject(start.project) }),
          ...(!isDefault && { name: start?.name }),
          config: { ...description.config, ...(key !== '' && id !== key && { run_id: key }) },
        };
    const run = createRun({
      info,
      infoIsCommon: !isDefault,
      resume: mode !== 'online' ? undefined : isDefault && before === undefined ? description.resume : 'allow',
      service,
      appUrl,
      dir,
      offlineAfterMs,
      maxFailures,
      encoder,
      clock,
      startingStep: before?.step,
      startingSummary: summaries.get(id),
      startingRuntime: before?.runtime,
      onNotice: notify,
      onLeftOut: (_kind, message) => notify(`run ${id}: ${message}`, undefined, 'INVALID_EVENT'),
    });
    if (isDefault) {
      first.remember();
    }
    return createRecordedRun({
      run,
      recorder: createRecorder(book, logFrequency, (most) =>
        notify(`run ${id}: more than ${most} metrics with a step; further ones get no x axis`, undefined, 'INTERNAL'),
      ),
      seen,
      baseTags: description.tags,
      clock,
      onNotice: notify,
      onFailure: ({ prefix, event }) => alert(run, prefix, event.error?.message ?? event.error?.type ?? 'failed'),
    });
  }

  function alert(run: Run, prefix: string, text: string): void {
    if (alertIntervalMs === undefined || clock.monotonic() - alertedAt < alertIntervalMs) {
      return;
    }
    alertedAt = clock.monotonic();
    const sent = run
      .alert({ title: `Failure: ${prefix}`, text, level: 'WARN', waitMs: alertIntervalMs }, lifetime)
      .catch((error) => notify(`an alert was not sent: ${messageOf(error)}`, error))
      .finally(() => alerts.delete(sent));
    alerts.add(sent);
  }

  function settle(recorded: RecordedRun): void {
    const { run, exitCode } = recorded;
    const { id } = run.info;
    if (run.location !== undefined) {
      keepLatest(locations, id, run.location, maxLocations);
    }
    // Unless another run has taken its place: one that ends while the process takes over its events is settled twice.
    if (exitCode !== undefined && runs.get(id) === recorded) {
      void run.release();
      runs.delete(id);
      const { step, summary } = run.state;
      const runtime = Number(summary.get('_runtime') ?? 0);
      keepLatest(ended, id, { step, runtime, info: run.info, exitCode }, maxEnded);
      if (!run.online) {
        keepLatest(summaries, id, summary, maxSummaries);
      }
      if (id === defaultId) {
        first.end(exitCode);
      }
    }
  }

  async function finish(recorded: RecordedRun, signal: AbortSignal): Promise<void> {
    const { run } = recorded;
    const { id } = run.info;
    const before = recorded.isStarted ? undefined : ended.get(id);
    const exitCode = before?.exitCode ?? processExitCode();
    const end = (): Promise<void> => recorded.finish(exitCode, clock.now(), signal);
    try {
      await end().catch((error) => {
        if (!run.online) {
          throw error;
        }
        // Rows that the service does not accept in time must not be lost with the process.
        run.giveUp(messageOf(error));
        return end();
      });
    } catch (error) {
      notify(`run ${id} could not be ended: ${messageOf(error)}`, error);
    }
    await run.release();
    settle(recorded);
    runs.delete(id);
  }

  return {
    of(key, events) {
      const id = idOf(key);
      let found = runs.get(id);
      if (found === undefined) {
        const startedAt = events.reduce((at, event) => Math.min(at, event.at), clock.now());
        found = newRun(key, startOf(events), startedAt);
      }
      runs.delete(id);
      runs.set(id, found);
      return found;
    },
    get open() {
      return runs.values();
    },
    get locations() {
      return [...locations.values()];
    },
    settle,
    async limit(signal) {
      for (const recorded of runs.values()) {
        if (runs.size <= maxRuns) {
          return;
        }
        await within(clock, finishTimeoutMs, (late) => finish(recorded, AbortSignal.any([late, signal])));
      }
    },
    async finish(timeoutMs) {
      await within(clock, timeoutMs, async (late) => {
        await Promise.all(Array.from(runs.values(), (recorded) => finish(recorded, late)));
        await untilAborted(Promise.all(alerts), late).catch(() => {});
      });
    },
  };
}

/** Sets the entry, and drops the oldest one beyond `bound`. */
function keepLatest<T>(map: Map<string, T>, key: string, value: T, bound: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > bound) {
    map.delete(map.keys().next().value as string);
  }
}
