import { setImmediate } from 'node:timers/promises';
import {
  AnalyticsError,
  type AnalyticsEvent,
  type ArtifactEvent,
  type Clock,
  type RunEvent,
} from '@toolweaver/analytics-core';
import type { Batch } from '../encoding/batch.ts';
import { confirm, stampChanges, stampRows } from '../encoding/run-state.ts';
import { failureOf, messageOf } from '../failure.ts';
import { withDefinition } from '../metric-definition.ts';
import { toProject, toTag } from '../names.ts';
import { retry } from '../retry.ts';
import type { Run } from '../run/run.ts';
import { toArtifact, toArtifactSync } from './recorded-artifact.ts';
import { stepKey } from './recorder.ts';
import type { Recorder, Recording } from './recording.ts';
import type { Seen } from './seen.ts';

export interface RecordedRunOptions {
  readonly run: Run;
  readonly recorder: Recorder;
  readonly seen: Seen;
  /** Tags of every run. */
  readonly baseTags: readonly string[];
  readonly clock: Clock;
  onNotice(message: string, cause?: unknown): void;
  /** Called with the first failure in events that have arrived. For the last events, called before each attempt to send them. */
  onFailure(failure: NonNullable<Recording['firstFailure']>): void;
}

/** Writes the events of one run to the run's target. */
export interface RecordedRun {
  readonly run: Run;
  /** Whether one of its events has started it: events of a run that has ended may come late. */
  readonly isStarted: boolean;
  /** Undefined until its last event has arrived. */
  readonly exitCode: number | undefined;
  /** Resolves when all events have arrived; rejects when none have, or when it is unknown. */
  write(events: readonly AnalyticsEvent[], signal: AbortSignal): Promise<void>;
  /** For a process that is exiting. Returns the events that come after the end of the run, and which it therefore did not take. */
  writeSync(events: readonly AnalyticsEvent[]): readonly AnalyticsEvent[];
  /** Writes a row of the operations that do not fill one yet. */
  flush(at: number, signal: AbortSignal): Promise<void>;
  /** Ends the run. The last call, but it may be repeated. Retries until the signal is aborted. */
  finish(exitCode: number, at: number, signal: AbortSignal): Promise<void>;
}

/** Events that are being sent: the same object until they have arrived, so that resent ones are stored once. */
interface Staged {
  readonly ids: readonly string[];
  readonly recording: Recording;
  readonly batch: Batch;
  /** The artifacts that have not been uploaded yet. */
  readonly artifacts: ArtifactEvent[];
  readonly exitCode: number | undefined;
  mayHaveArrived: boolean;
}

/** Events that are mapped before the host's event loop gets a turn. */
const sliceEvents = 512;

export function createRecordedRun(options: RecordedRunOptions): RecordedRun {
  const { run, recorder, seen, baseTags, clock, onNotice, onFailure } = options;
  let staged: Staged | undefined;
  let endedWith: number | undefined;
  /** The number of calls of `writeSync`, which also writes what a `write` under way has not staged yet. */
  let takeovers = 0;
  let described: RunEvent | undefined;
  /** What `finish` sends: the same on each attempt, because part of it may have arrived. */
  let last: Staged | undefined;

  function stage(events: readonly AnalyticsEvent[], recording: Recording, at?: number): Staged {
    const ids = events.map(({ id }) => id);
    if (recording.started !== undefined) {
      describe(recording.started);
    }
    define(recording.stepped);
    const { state } = run;
    const { rows } = recording;
    stampRows(state, rows);
    stampChanges(state, at ?? recording.lastAt ?? recording.run?.at ?? state.startedAt, recording.changes);
    const batch = { rows, changes: recording.changes, summary: state.summary };
    const runState = recording.run?.state;
    const exitCode = runState === undefined || runState === 'started' ? undefined : runState === 'failed' ? 1 : 0;
    return { ids, recording, batch, artifacts: [...recording.artifacts], exitCode, mayHaveArrived: false };
  }

  /** Applies the name, project, configuration and tags of a `run` event. */
  function describe(event: RunEvent): void {
    if (event !== described) {
      described = event;
      const { name, project, config, tags } = event;
      const own = tags?.map(toTag).filter((tag) => tag.trim() !== '');
      run.describe({
        ...(name !== undefined && { name }),
        ...(project !== undefined && run.location === undefined && { project: toProject(project) }),
        ...(config !== undefined && { config }),
        ...(own !== undefined && { tags: [...new Set([...baseTags, ...own])] }),
      });
    }
  }

  /** Describes the run before it starts, so that its name is sent with the start. */
  function describeStart(events: readonly AnalyticsEvent[]): void {
    const first = startOf(events);
    if (first !== undefined && run.location === undefined) {
      describe(first);
    }
  }

  function define(stepped: readonly string[]): void {
    const { metrics } = run.info;
    const missing = stepped.filter((name) => !metrics.some((metric) => metric.name === name));
    const [first, ...more] = missing.map((name) => ({ name, stepMetric: stepKey, hidden: false, summary: [] }));
    if (first !== undefined) {
      run.describe({ metrics: [...withDefinition(metrics, first), ...more] });
    }
  }

  /** Sends artifacts before any row, so that a failure leaves the rows unsent. Each attempt reads the files again. */
  async function sendArtifacts({ artifacts }: Staged, signal: AbortSignal): Promise<void> {
    for (let [event] = artifacts; event !== undefined; [event] = artifacts) {
      const { artifact, failure } = await toArtifact(event);
      await run.putArtifact(artifact, signal);
      if (failure !== undefined) {
        const why = `${event.path} cannot be uploaded (${messageOf(failure)}); the artifact only says where it was`;
        onNotice(`artifact ${artifact.name}: ${why}`, failure);
      }
      artifacts.shift();
    }
  }

  async function send(current: Staged, signal: AbortSignal): Promise<void> {
    await sendArtifacts(current, signal);
    try {
      if (current.exitCode === undefined) {
        await run.append(current.batch, signal);
      } else {
        // The run accepts no alerts after its end.
        tellFailure(current);
        await run.finish(current.exitCode, current.batch, signal);
        endedWith = current.exitCode;
      }
    } catch (error) {
      current.mayHaveArrived ||= failureOf(error)?.mayHaveArrived ?? false;
      throw error;
    }
    arrived(current);
  }

  function arrived(current: Staged): void {
    staged = undefined;
    recorder.keep(current.recording);
    seen.add(current.ids);
    if (current.exitCode === undefined) {
      tellFailure(current);
    }
  }

  function tellFailure({ recording: { firstFailure } }: Staged): void {
    if (firstFailure !== undefined) {
      onFailure(firstFailure);
    }
  }

  /** Resends events of an earlier call that may have arrived: the lines are numbered without gaps, so none may be dropped. */
  async function settle(signal: AbortSignal): Promise<void> {
    if (staged?.mayHaveArrived) {
      await send(staged, signal);
    }
    staged = undefined;
  }

  return {
    run,
    get isStarted() {
      return described !== undefined;
    },
    get exitCode() {
      return endedWith;
    },
    async write(events, signal) {
      const begun = takeovers;
      if (staged !== undefined && !isOf(staged, events)) {
        await settle(signal);
      }
      if (staged === undefined) {
        describeStart(events);
        // Only the start tells the step of the first row.
        await run.start(signal);
        const draft = recorder.begin(events.length);
        for (let at = 0; at < events.length; at += 1) {
          if (at > 0 && at % sliceEvents === 0) {
            await setImmediate();
          }
          draft.add(events[at] as AnalyticsEvent);
        }
        if (begun !== takeovers) {
          throw new AnalyticsError('CLOSED', 'the events were written synchronously meanwhile');
        }
        staged = stage(events, draft.done(run.state.summary));
      }
      await send(staged, signal);
    },
    writeSync(events) {
      describeStart(events);
      const offline = run.openSync();
      if (offline === undefined) {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'the service cannot be reached while the process exits');
      }
      takeovers += 1;
      if (staged !== undefined && offline.settleSync(staged.batch.rows)) {
        confirm(run.state, staged.batch);
        endedWith = staged.exitCode;
        arrived(staged);
      }
      staged = undefined;
      const missing = events.filter(({ id }) => !seen.has(id));
      if (endedWith !== undefined || missing.length === 0) {
        return missing;
      }
      const draft = recorder.begin(missing.length);
      for (const event of missing) {
        draft.add(event);
      }
      const recording = draft.done(run.state.summary);
      for (const event of recording.artifacts) {
        offline.putArtifactSync(toArtifactSync(event));
      }
      const current = stage(missing, recording);
      offline.describeSync(run.info);
      offline.appendSync(current.batch, current.exitCode);
      endedWith = current.exitCode;
      confirm(run.state, current.batch);
      arrived(current);
      return [];
    },
    async flush(at, signal) {
      if (recorder.rest(at) === undefined) {
        return;
      }
      // The rest may be staged already, by an earlier call that failed.
      await settle(signal);
      const rest = recorder.rest(at);
      if (rest !== undefined) {
        staged = stage([], rest, at);
        await send(staged, signal);
      }
    },
    async finish(exitCode, at, signal) {
      await retry(
        async () => {
          await settle(signal);
          // Only the start tells the summary that an existing run has.
          await run.start(signal);
        },
        clock,
        signal,
      );
      last ??= { ...stage([], recorder.rest(at) ?? recorder.begin().done(run.state.summary), at), exitCode };
      const { batch } = last;
      staged = last;
      await retry(() => run.finish(exitCode, batch, signal), clock, signal);
      endedWith = exitCode;
    },
  };
}

/** The first event that starts the run, which has its name. */
export function startOf(events: readonly AnalyticsEvent[]): RunEvent | undefined {
  return events.find((event): event is RunEvent => event.type === 'run' && event.state === 'started');
}

function isOf({ ids }: Staged, events: readonly AnalyticsEvent[]): boolean {
  return ids.length === events.length && events.every(({ id }, at) => id === ids[at]);
}
