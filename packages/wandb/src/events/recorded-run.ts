import { setImmediate } from 'node:timers/promises';
import {
  AnalyticsError,
  type AnalyticsEvent,
  type ArtifactEvent,
  type Clock,
  type RunEvent,
} from '@toolweaver/analytics-core';
import type { Batch } from '../encoding/batch.ts';
import { confirm, createBatch, stampChanges, stampRows } from '../encoding/run-state.ts';
import { failureOf, messageOf } from '../failure.ts';
import { insist } from '../insist.ts';
import { toProject, toTag } from '../names.ts';
import type { Run } from '../run/run.ts';
import { toArtifact, toArtifactSync } from './recorded-artifact.ts';
import { stepKey } from './recorder.ts';
import type { Recorder, Recording } from './recording.ts';
import type { Seen } from './seen.ts';

export interface RecordedRunOptions {
  readonly run: Run;
  readonly recorder: Recorder;
  readonly seen: Seen;
  /** Of every run. */
  readonly baseTags: readonly string[];
  readonly clock: Clock;
  onNotice(message: string, cause?: unknown): void;
  /** Is told of the first failure in what has arrived; of the last events before they do, as often as they are sent. */
  onFailure(failure: NonNullable<Recording['firstFailure']>): void;
}

/** The events of one run, on their way to where the run goes. */
export interface RecordedRun {
  readonly run: Run;
  /** Whether its last event has arrived. */
  readonly ended: boolean;
  /** Resolves when all of the events are there; rejects when none of them are, or it cannot be known. */
  write(events: readonly AnalyticsEvent[], signal: AbortSignal): Promise<void>;
  writeSync(events: readonly AnalyticsEvent[]): void;
  /** Makes a row of operations that make no whole one yet. */
  flush(at: number, signal: AbortSignal): Promise<void>;
  /** The last call, which may be made again. Tries until the signal is aborted. */
  finish(exitCode: number, at: number, signal: AbortSignal): Promise<void>;
}

/** Events on the way: the same object until they have arrived, so that what is sent again is there once. */
interface Staged {
  readonly ids: readonly string[];
  readonly recording: Recording;
  readonly batch: Batch;
  /** That have not been uploaded. */
  readonly artifacts: ArtifactEvent[];
  readonly exitCode: number | undefined;
  mayHaveArrived: boolean;
}

/** Events that are mapped at a time; the host's event loop gets its turn in between. */
const sliceEvents = 512;

export function createRecordedRun(options: RecordedRunOptions): RecordedRun {
  const { run, recorder, seen, baseTags, clock, onNotice, onFailure } = options;
  let staged: Staged | undefined;
  let ended = false;
  let exiting = false;
  let described: RunEvent | undefined;
  /** The same in each try: a part of it may have arrived. */
  let last: Batch | undefined;

  function stage(ids: readonly string[], recording: Recording, at?: number): Staged {
    if (recording.started !== undefined) {
      describe(recording.started);
    }
    define(recording.stepped);
    const { state } = run;
    const { rows } = recording;
    stampRows(state, rows);
    stampChanges(state, at ?? recording.lastAt ?? recording.run?.at ?? state.startedAt, recording.changes);
    const batch = createBatch(state, rows, recording.changes);
    const runState = recording.run?.state;
    const exitCode = runState === undefined || runState === 'started' ? undefined : runState === 'failed' ? 1 : 0;
    return { ids, recording, batch, artifacts: [...recording.artifacts], exitCode, mayHaveArrived: false };
  }

  /** What the run's own events say about it. */
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

  /** What the run is called goes with its start. */
  function describeStart(events: readonly AnalyticsEvent[]): void {
    const first = startOf(events);
    if (first !== undefined && run.location === undefined) {
      describe(first);
    }
  }

  function define(stepped: readonly string[]): void {
    const { metrics } = run.info;
    const missing = stepped.filter((name) => !metrics.some((metric) => metric.name === name));
    if (missing.length > 0) {
      const axis = { name: stepKey, stepMetric: undefined, hidden: false, summary: [] };
      const added = missing.map((name) => ({ name, stepMetric: stepKey, hidden: false, summary: [] }));
      run.describe({ metrics: [...(metrics.length === 0 ? [axis] : metrics), ...added] });
    }
  }

  /** Before any row: a failure here says nothing about them. A file may have gone since the last attempt, and is read anew. */
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
      if (exiting) {
        throw new AnalyticsError('CLOSED', 'the process is ending');
      }
      if (current.exitCode === undefined) {
        await run.append(current.batch, signal);
      } else {
        // After the end the run takes no alert.
        tellFailure(current);
        await run.finish(current.exitCode, current.batch, signal);
        ended = true;
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

  /** Brings to an end what an earlier call left: nobody knows whether it has arrived, and no line may be left out. */
  async function settle(signal: AbortSignal): Promise<void> {
    if (staged?.mayHaveArrived) {
      await send(staged, signal);
    }
    staged = undefined;
  }

  return {
    run,
    get ended() {
      return ended;
    },
    async write(events, signal) {
      if (staged !== undefined && !isOf(staged, events)) {
        await settle(signal);
      }
      if (staged === undefined) {
        describeStart(events);
        // Where its rows begin is known only then.
        await run.start(signal);
        const draft = recorder.begin(events.length);
        for (let at = 0; at < events.length; at += 1) {
          if (at > 0 && at % sliceEvents === 0) {
            await setImmediate();
          }
          draft.add(events[at] as AnalyticsEvent);
        }
        const recording = draft.done(run.state.summary);
        staged = stage(
          events.map(({ id }) => id),
          recording,
        );
      }
      await send(staged, signal);
    },
    writeSync(events) {
      describeStart(events);
      const offline = run.openSync();
      if (offline === undefined) {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'the service cannot be reached while the process exits');
      }
      exiting = true;
      if (staged !== undefined && offline.settleSync(staged.batch.rows)) {
        arrived(staged);
      }
      staged = undefined;
      const missing = events.filter(({ id }) => !seen.has(id));
      const draft = recorder.begin(missing.length);
      for (const event of missing) {
        draft.add(event);
      }
      const recording = draft.done(run.state.summary);
      for (const event of recording.artifacts) {
        offline.putArtifactSync(toArtifactSync(event));
      }
      const current = stage(
        missing.map(({ id }) => id),
        recording,
      );
      offline.describeSync(run.info);
      offline.appendSync(current.batch, current.exitCode);
      ended = current.exitCode !== undefined;
      confirm(run.state, current.batch);
      arrived(current);
    },
    async flush(at, signal) {
      if (recorder.rest(at) === undefined) {
        return;
      }
      // It may be what an earlier call left.
      await settle(signal);
      const rest = recorder.rest(at);
      if (rest !== undefined) {
        staged = stage([], rest, at);
        await send(staged, signal);
      }
    },
    async finish(exitCode, at, signal) {
      await insist(() => settle(signal), clock, signal);
      last ??= stage([], recorder.rest(at) ?? recorder.begin().done(run.state.summary), at).batch;
      await insist(() => run.finish(exitCode, last, signal), clock, signal);
      ended = true;
    },
  };
}

/** The event that says what the run is called. */
export function startOf(events: readonly AnalyticsEvent[]): RunEvent | undefined {
  return events.find((event): event is RunEvent => event.type === 'run' && event.state === 'started');
}

function isOf({ ids }: Staged, events: readonly AnalyticsEvent[]): boolean {
  return ids.length === events.length && events.every(({ id }, at) => id === ids[at]);
}
