import { AnalyticsError } from '@toolweaver/analytics-core';
import { type Batch, rowsFrom } from '../encoding/batch.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { confirm, type RunState } from '../encoding/run-state.ts';
import { failureOf, isContentRefused, isRefused, messageOf } from '../failure.ts';
import type { Artifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import type { Notify } from '../notices.ts';
import type { RunInfo } from '../run-info.ts';
import { type Alert, askEarlierRun } from '../service/operations.ts';
import type { Service } from '../service/service.ts';
import type { ResumeMode } from '../settings/options.ts';
import { createOfflineRun, type OfflineRun } from './offline-run.ts';
import { createOutages, type OutagesOptions, type Subject } from './outages.ts';
import { type RemoteRun, startRemoteRun } from './remote-run.ts';
import { checkResume, inheritFrom, type Said } from './resume.ts';
import type { OnSettled, RunTarget } from './run-target.ts';

export interface RunOptions extends OutagesOptions {
  readonly info: RunInfo;
  /** Whether `config` and `tags` of `info` are those of all runs, so that an existing run's own override them. Default: false. */
  readonly infoIsCommon?: boolean | undefined;
  /** The `resume` option. If set, an existing run fills in what the caller did not set. */
  readonly resume: ResumeMode | undefined;
  /** Undefined if the run is offline from the start. */
  readonly service: Service | undefined;
  readonly appUrl: string;
  readonly dir: string;
  readonly encoder: Encoder;
  /** Step of the first row, if known. */
  readonly startingStep?: number | undefined;
  /** Summary to continue from, unless the service has one. */
  readonly startingSummary?: ReadonlyMap<string, unknown> | undefined;
  /** Seconds that the run took before. */
  readonly startingRuntime?: number | undefined;
  readonly onNotice: Notify;
  /** Called with the kind of each input that is left out, and why. */
  onLeftOut(kind: string, message: string): void;
}

interface AttemptOptions {
  /** Whether a refusal of the content concerns only this request, so that the run does not go offline. */
  readonly isOwn?: boolean;
  /** Whether to throw errors about wrong options. Otherwise the run goes offline: its program is under way. */
  readonly mayRefuse?: boolean | undefined;
  /** Default: `service`. */
  readonly subject?: Subject | undefined;
}

/** A run that goes to the service, and into a directory once the service fails for good. */
export interface Run {
  readonly info: RunInfo;
  /** To be used only after `start`, which replaces it for an existing run. */
  readonly state: RunState;
  /** URL of its page, or its directory, once it has one. */
  readonly location: string | undefined;
  readonly online: boolean;
  /** Where it continues offline, and why; undefined if it did not have to. */
  readonly fallback: string | undefined;
  /** Whether somebody pressed Stop on the run's page. Stays when the run goes offline. */
  readonly stopped: boolean;
  /**
   * Starts the run, as every other call that sends something does. To be awaited before rows are numbered.
   * @throws AnalyticsError `INVALID_CONFIG` for what `resume` does not allow, if `mayRefuse`; otherwise the run goes offline.
   */
  start(signal?: AbortSignal, mayRefuse?: boolean): Promise<void>;
  append(batch: Batch, signal?: AbortSignal): Promise<void>;
  /** Replaces the given fields; merges the configuration key by key. */
  describe(change: Partial<RunInfo>): void;
  /** Calls `onSettled` for each file that has arrived or is refused. Rejects when the others have to be sent again. */
  putFiles(files: readonly RunFile[], onSettled: OnSettled, signal?: AbortSignal, subject?: Subject): Promise<void>;
  putArtifact(artifact: Artifact, signal?: AbortSignal, subject?: Subject): Promise<void>;
  alert(alert: Alert, signal?: AbortSignal): Promise<void>;
  finish(exitCode: number, last: Batch | undefined, signal?: AbortSignal): Promise<void>;
  /** Goes offline at once. */
  giveUp(reason: string): void;
  /** The offline run, for synchronous writes; undefined while the run is online. */
  openSync(): OfflineRun | undefined;
  release(): Promise<void>;
}

export function createRun(options: RunOptions): Run {
  const { service, appUrl, dir, encoder, clock, resume, onNotice, onLeftOut } = options;
  let { info } = options;
  /** What the program has set for this run, which overrides what an existing run has. */
  let said: Said = options.infoIsCommon ? {} : { config: info.config, tags: info.tags };
  let target: RunTarget | undefined;
  /** Kept when the run goes offline, because it knows what has arrived, and of Stop. */
  let remote: RemoteRun | undefined;
  let offline: OfflineRun | undefined;
  let fallback: string | undefined;
  /** Whether the target does not have the current description yet. */
  let dirty = false;
  /** An alert may outlive the end: its failure must not begin a directory. */
  let isOver = false;
  let state: RunState = {
    step: options.startingStep ?? 0,
    startedAt: info.startedAt,
    earlierRuntime: options.startingRuntime ?? 0,
    summary: new Map(options.startingSummary),
  };
  const outages = createOutages(options);
  let starting: Promise<void> | undefined;

  const onSkipped: Notify = (message, cause, code) => onNotice(`run ${info.id}: ${message}`, cause, code);

  function openOffline(): OfflineRun {
    const { step: startingStep, summary: startingSummary, earlierRuntime } = state;
    const more = { startingStep, startingSummary, earlierRuntime, onSkipped };
    offline = createOfflineRun(info, { dir, encoder, clock, ...more });
    target = offline;
    return offline;
  }

  function goOffline(reason: string, cause?: unknown): OfflineRun {
    const opened = openOffline();
    void remote?.release();
    dirty = false;
    const { location } = opened;
    fallback = `run ${info.id} continues offline in ${location}: ${reason}. Upload it later with: wandb sync ${location}`;
    onNotice(fallback, cause);
    return opened;
  }

  async function open(signal?: AbortSignal): Promise<RunTarget> {
    if (target !== undefined) {
      return target;
    }
    if (service === undefined) {
      return openOffline();
    }
    const asked = resume === undefined ? undefined : await askEarlierRun(service, info, signal);
    checkResume(resume, asked !== undefined, info.id);
    // `info` and `state` change only after the start: if it fails, the next attempt begins again here.
    const started = asked === undefined ? info : inheritFrom(info, asked, said);
    remote = await startRemoteRun(started, asked, { service, appUrl, encoder, clock, onLeftOut }, signal);
    info = { ...started, entity: remote.entity, project: remote.project };
    target = remote;
    if (asked !== undefined) {
      state = {
        step: Math.max(asked.nextStep, state.step),
        startedAt: info.startedAt,
        earlierRuntime: asked.runtime,
        summary: new Map([...Object.entries(asked.summary), ...state.summary]),
      };
    }
    return remote;
  }

  /** The part of a batch for this target: rows that the service already has do not go into the directory. */
  function missingOf(batch: Batch, where: RunTarget): Batch {
    const arrived = where.online ? 0 : (remote?.arrivedOf(batch) ?? 0);
    return arrived > 0 ? { ...batch, rows: rowsFrom(batch.rows, arrived) } : batch;
  }

  /** Does the work at the run's target; if the service fails for good, in the directory instead. */
  async function attempt(
    work: (target: RunTarget) => Promise<void>,
    signal: AbortSignal | undefined,
    { isOwn = false, mayRefuse = false, subject = 'service' }: AttemptOptions = {},
  ): Promise<void> {
    const began = clock.monotonic();
    let where: RunTarget | undefined;
    try {
      where = await open(signal);
      await work(where);
      outages.end(subject);
      return;
    } catch (error) {
      if ((where !== undefined && !where.online) || isOver || signal?.aborted || (mayRefuse && isUsage(error))) {
        throw error;
      }
      if (isOwn && where !== undefined && isContentRefused(error)) {
        throw new AnalyticsError('EVENTS_REJECTED', messageOf(error), { cause: error });
      }
      // An error that did not come from the service, such as a missing file, says nothing about it.
      const isLasting =
        isUsage(error) || isRefused(error) || (failureOf(error) !== undefined && outages.lastsTooLong(began, subject));
      if (!isLasting) {
        throw outages.withPause(error, subject);
      }
      // Unless another call has gone offline in the meantime.
      if (target === where) {
        goOffline(messageOf(error), error);
      }
    }
    await work(target as RunTarget);
  }

  async function update(where: RunTarget, signal: AbortSignal | undefined): Promise<void> {
    if (dirty) {
      dirty = false;
      try {
        await where.describe(info, signal);
      } catch (error) {
        if (isRefused(error) && failureOf(error)?.status === undefined) {
          // The service accepts the run, but not this name, configuration or tags: the rows matter more.
          onSkipped(`what is shown of it was not changed: ${messageOf(error)}`);
          return;
        }
        dirty = true;
        throw error;
      }
    }
  }

  return {
    get info() {
      return info;
    },
    get state() {
      return state;
    },
    get location() {
      return target?.location;
    },
    get online() {
      return service !== undefined && offline === undefined;
    },
    get fallback() {
      return fallback;
    },
    get stopped() {
      return remote?.stopped ?? false;
    },
    start(signal, mayRefuse) {
      starting ??= attempt(async () => {}, signal, { mayRefuse }).catch((error) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    async append(batch, signal) {
      await attempt(async (where) => {
        await update(where, signal);
        await where.append(missingOf(batch, where), signal);
      }, signal);
      confirm(state, batch);
    },
    describe(change) {
      info = { ...info, ...change, config: change.config ? { ...info.config, ...change.config } : info.config };
      said = { tags: change.tags ?? said.tags, config: { ...said.config, ...change.config } };
      dirty ||= target !== undefined;
    },
    putFiles(files, onSettled, signal, subject) {
      // The directory needs only the files that the service had not settled before it failed.
      const left = new Set(files);
      const settle: OnSettled = (file, refusal) => {
        left.delete(file);
        onSettled(file, refusal);
      };
      return attempt((where) => where.putFiles([...left], settle, signal), signal, { subject });
    },
    putArtifact: (artifact, signal, subject) =>
      attempt((where) => where.putArtifact(artifact, state.step > 0 ? state.step - 1 : undefined, signal), signal, {
        isOwn: true,
        subject,
      }),
    alert: (alert, signal) => attempt((where) => where.alert(alert, signal), signal, { isOwn: true }),
    async finish(exitCode, last, signal) {
      await attempt(async (where) => {
        await update(where, signal);
        await where.finish(exitCode, last && missingOf(last, where), signal);
      }, signal);
      isOver = true;
      if (last !== undefined) {
        confirm(state, last);
      }
    },
    giveUp(reason) {
      if (offline === undefined) {
        goOffline(reason);
      }
    },
    openSync() {
      return offline ?? (service === undefined ? openOffline() : undefined);
    },
    async release() {
      await target?.release();
    },
  };
}

function isUsage(error: unknown): boolean {
  return error instanceof AnalyticsError && error.code === 'INVALID_CONFIG';
}
