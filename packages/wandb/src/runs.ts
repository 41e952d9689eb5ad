import type { AnalyticsEvent, RunEvent } from '@toolweaver/analytics-core';
import type { Encoder } from './encoder.ts';
import { messageOf } from './failure.ts';
import { createKeyBook, maxNames } from './keys.ts';
import { randomName, toProject, toRunId } from './names.ts';
import type { Notify } from './notices.ts';
import { createRecordedRun, type RecordedRun, startOf } from './recorded-run.ts';
import { createRecorder } from './recorder.ts';
import { forgetRun, rememberRun, unfinishedRun } from './resume-file.ts';
import { createRun, type Run } from './run.ts';
import type { RunInfo } from './run-info.ts';
import type { Seen } from './seen.ts';
import type { Service } from './service.ts';
import type { Settings } from './settings.ts';

/** Runs that are open at a time. */
const maxRuns = 64;
const maxLocations = 10;
/** What is known of runs that have ended, for what may come late. */
const maxEnded = 1_000;
/** Their summaries are larger, and only those that went into a directory are not known elsewhere. */
const maxSummaries = 64;

export interface RunsOptions {
  readonly settings: Settings;
  readonly service: Service | undefined;
  readonly seen: Seen;
  readonly encoder: Encoder;
  readonly logFrequency: number;
  /** Undefined: no alerts. */
  readonly alertIntervalMs: number | undefined;
  /** Ends what nobody waits for. */
  readonly signal: AbortSignal;
  readonly notify: Notify;
}

/** The runs of a backend, by the id that events carry; '' is the run of what belongs to none. */
export interface Runs {
  /** The run that these events belong to, which is made where it is missing. */
  of(key: string, events: readonly AnalyticsEvent[]): RecordedRun;
  readonly open: Iterable<RecordedRun>;
  /** Pages and directories of the last ones. */
  readonly locations: readonly string[];
  /** After each use of a run: keeps what is shown of it, lets go of it when it has ended. */
  settle(key: string, run: RecordedRun): void;
  /** Ends those that were used the longest ago, while there are too many. */
  limit(): Promise<void>;
  /** Ends all of them. */
  finish(signal: AbortSignal): Promise<void>;
}

export function createRuns(options: RunsOptions): Runs {
  const { settings, service, seen, encoder, logFrequency, alertIntervalMs, signal: lifetime, notify } = options;
  const { mode, appUrl, dir, offlineAfterMs, clock, description } = settings;
  const isAuto = description.resume === 'auto' && mode === 'online';
  const book = createKeyBook(() =>
    notify(`more than ${maxNames} names; further ones share the keys of _other`, undefined, 'INTERNAL'),
  );
  /** In order of use. */
  const runs = new Map<string, RecordedRun>();
  const ended = new Map<string, { readonly step: number; readonly info: RunInfo }>();
  const summaries = new Map<string, ReadonlyMap<string, unknown>>();
  const locations = new Map<string, string>();
  let alertedAt = Number.NEGATIVE_INFINITY;

  function newRun(key: string, first: RunEvent | undefined, startedAt: number): RecordedRun {
    const isDefault = key === '';
    const unfinished = isDefault && isAuto ? unfinishedRun(dir) : undefined;
    const id = isDefault ? (unfinished ?? description.runId ?? randomName(8)) : toRunId(key);
    const before = ended.get(key);
    const info: RunInfo = before
      ? { ...before.info, startedAt }
      : {
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
          startedAt,
          metrics: [],
        };
    const run = createRun({
      info,
      infoIsCommon: !isDefault,
      resume: mode !== 'online' ? undefined : isDefault && before === undefined ? description.resume : 'allow',
      service,
      appUrl,
      dir,
      offlineAfterMs,
      encoder,
      clock,
      startingStep: before?.step,
      startingSummary: summaries.get(key),
      onNotice: notify,
    });
    if (isDefault && isAuto) {
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
      await run.alert({ title: `Failure: ${prefix}`, text, level: 'WARN', waitMs: alertIntervalMs }, lifetime);
    } catch (error) {
      notify(`an alert was not sent: ${messageOf(error)}`, error);
    }
  }

  function settle(key: string, { run, ended: isEnded }: RecordedRun): void {
    if (run.location !== undefined) {
      locations.delete(run.info.id);
      locations.set(run.info.id, run.location);
      removeOldest(locations, maxLocations);
    }
    if (isEnded) {
      void run.release();
      runs.delete(key);
      ended.set(key, { step: run.state.step, info: run.info });
      removeOldest(ended, maxEnded);
      if (!run.online) {
        summaries.set(key, run.state.summary);
        removeOldest(summaries, maxSummaries);
      }
    }
  }

  async function finish(key: string, recorded: RecordedRun, signal: AbortSignal): Promise<void> {
    try {
      await recorded.finish(Number(process.exitCode ?? 0) || 0, clock.now(), signal);
    } catch (error) {
      notify(`run ${recorded.run.info.id} could not be ended: ${messageOf(error)}`, error);
    }
    await recorded.run.release();
    settle(key, recorded);
    runs.delete(key);
    if (key === '' && recorded.ended && isAuto) {
      forgetRun(dir);
    }
  }

  return {
    of(key, events) {
      let found = runs.get(key);
      if (found === undefined) {
        const startedAt = events.reduce((at, event) => Math.min(at, event.at), clock.now());
        found = newRun(key, startOf(events), startedAt);
      }
      runs.delete(key);
      runs.set(key, found);
      return found;
    },
    get open() {
      return runs.values();
    },
    get locations() {
      return [...locations.values()];
    },
    settle,
    async limit() {
      for (const [key, recorded] of runs) {
        if (runs.size <= maxRuns) {
          return;
        }
        await finish(key, recorded, lifetime);
      }
    },
    async finish(signal) {
      await Promise.all([...runs].map(([key, recorded]) => finish(key, recorded, signal)));
    },
  };
}

function removeOldest(map: Map<string, unknown>, bound: number): void {
  for (const key of map.keys()) {
    if (map.size <= bound) {
      return;
    }
    map.delete(key);
  }
}
