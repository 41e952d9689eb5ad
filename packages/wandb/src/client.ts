import { AnalyticsError } from '@toolweaver/analytics-core';
import type { Artifact, ArtifactInput } from './artifact.ts';
import { prepareArtifact } from './artifact.ts';
import { type Batch, type Shape, shapeOf } from './batch.ts';
import { pause } from './clock.ts';
import { failureOf, isRefused, messageOf } from './failure.ts';
import { createHttp } from './http.ts';
import { jsonText } from './json-text.ts';
import { imagesOf, isMedia, resolveMedia } from './media.ts';
import { addFigure, type Figures, type MetricDefinition, type MetricOptions, summaryOf } from './metric-definition.ts';
import { artifactNameProblem, artifactTypeProblem, maxTag, randomName } from './names.ts';
import { createNotify, named } from './notices.ts';
import type { Alert } from './operations.ts';
import { forgetRun, rememberRun, unfinishedRun } from './resume-file.ts';
import { createRun, type Run } from './run.ts';
import type { RunFile } from './run-file.ts';
import { createBatch, merged, stampChanges, stampKeys, stampRows } from './run-state.ts';
import { createService } from './service.ts';
import {
  type ConnectionOptions,
  checkOptions,
  type DescriptionOptions,
  readSettings,
  type Settings,
} from './settings.ts';
import { agent } from './version.ts';

export interface RunClientOptions extends ConnectionOptions, DescriptionOptions {
  /** How long the start may try to reach the service before the run goes offline. Default: 90000. */
  readonly initTimeoutMs?: number | undefined;
}

export interface LogOptions {
  /** Of the row; may leave gaps, and must not be lower than that of a row before. Default: one more than the last. */
  readonly step?: number | undefined;
  /** Whether the row is complete. Default: true without a step; with one, it is complete when a later one begins. */
  readonly commit?: boolean | undefined;
}

export interface FinishOptions {
  /** 0: finished; anything else: failed. Default: 0. */
  readonly exitCode?: number | undefined;
  /** Default: the option `finishTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** A run, held by the program that makes it. After the start only what returns a promise can fail. */
export interface WandbRun extends AsyncDisposable {
  readonly id: string;
  /** The run's page, or its directory when it is offline; undefined when disabled. */
  readonly location: string | undefined;
  readonly online: boolean;
  /** Whether somebody pressed Stop on the run's page. What follows from it is up to the program. */
  readonly stopped: boolean;
  /** Of the next row. */
  readonly step: number;
  /** What was left out: values that are no data, calls with a step that went backwards, calls after the end. */
  readonly skipped: number;
  /**
   * Adds values to the current row: numbers, texts, any JSON data, NaN and infinities, `histogram()`, `table()`, `image()` or
   * a list of images, `plotly()`, `html()`. The last value of each key is in the summary, too.
   */
  log(values: Readonly<Record<string, unknown>>, options?: LogOptions): void;
  /** Sets values of the summary; undefined takes one out. */
  setSummary(values: Readonly<Record<string, unknown>>): void;
  /** How a metric is shown; before its first value. */
  defineMetric(name: string, options?: MetricOptions): void;
  updateConfig(values: Readonly<Record<string, unknown>>): void;
  setTags(tags: readonly string[]): void;
  /** Keeps a file with the run. `name`: where, with forward slashes. Resolves when it is there. */
  saveFile(name: string, content: Uint8Array | { readonly path: string }): Promise<void>;
  /** Logs a version of an artifact; resolves when it is there. */
  logArtifact(input: ArtifactInput): Promise<void>;
  /** Resolves when the service has taken it, which then sends it. */
  alert(alert: Alert): Promise<void>;
  /** Sends what waits, at once. Rejects with what the service said; nothing is lost by that. */
  flush(): Promise<void>;
  /** Sends the rest and ends the run; when the service cannot be reached in time, the rest goes into a directory. Idempotent. */
  finish(options?: FinishOptions): Promise<void>;
}

/** The service's rhythm: what comes sooner is sent together. */
const paceMs = 15_000;
/** What waits beyond this is sent at once. */
const maxWaitingRows = 20_000;
/** What waits beyond this, while the service is out of reach, goes into a directory. */
const maxHeldRows = 200_000;

/**
 * Starts a run, at the service or offline. Resolves when it has one of them.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, all of them at once, and for what `resume` does not allow.
 */
export async function startRun(options: RunClientOptions = {}): Promise<WandbRun> {
  const { settings, initTimeoutMs } = checkOptions((check) => ({
    settings: readSettings(check, options),
    initTimeoutMs: check.number('initTimeoutMs', options.initTimeoutMs, 1, 3_600_000) ?? 90_000,
  }));
  const { mode, clock, dir, description } = settings;
  const online = mode === 'online' && settings.service !== undefined;
  const isAuto = description.resume === 'auto' && online;
  const id = (isAuto ? unfinishedRun(dir) : undefined) ?? description.runId ?? randomName(8);
  const notify = createNotify('wandb', settings.onNotice);
  if (mode === 'disabled') {
    return disabledRun(id);
  }
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
    clock,
    onNotice: notify,
  });
  if (isAuto) {
    rememberRun(dir, id);
  }
  await begin(run, settings, initTimeoutMs);
  return createClient(run, settings, notify, () => {
    if (isAuto) {
      forgetRun(dir);
    }
  });
}

async function begin(run: Run, { clock }: Settings, timeoutMs: number): Promise<void> {
  const end = clock.monotonic() + timeoutMs;
  const deadline = new AbortController();
  const timer = clock.setTimeout(() => deadline.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    for (;;) {
      try {
        await run.start(deadline.signal);
        return;
      } catch (error) {
        const { code, retryAfterMs = 2_000 } = error as { code?: string; retryAfterMs?: number };
        if (code === 'INVALID_CONFIG' || (failureOf(error) === undefined && !deadline.signal.aborted)) {
          throw named(error, 'wandb');
        }
        if (deadline.signal.aborted || clock.monotonic() + retryAfterMs > end) {
          run.giveUp(messageOf(error));
          return;
        }
        await pause(clock, retryAfterMs, deadline.signal);
      }
    }
  } finally {
    clock.clearTimeout(timer);
  }
}

type Notify = ReturnType<typeof createNotify>;

function createClient(run: Run, settings: Settings, notify: Notify, onFinished: () => void): WandbRun {
  const { clock, finishTimeoutMs } = settings;
  /** The row that is still open. */
  const open = new Map<string, Logged>();
  let shapes: Shape[] = [];
  let values: (number | string)[] = [];
  const book = createShapeBook();
  let changes = new Map<string, unknown>();
  let changed = false;
  let media: { readonly files: RunFile[]; readonly artifacts: Artifact[] } = { files: [], artifacts: [] };
  const figures = new Map<string, Figures>();
  let batch: Batch | undefined;
  let sending: Promise<void> | undefined;
  let timer: unknown;
  let sentAt = Number.NEGATIVE_INFINITY;
  let skipped = 0;
  const told = new Set<string>();
  const salt = randomName(32);
  let finishing: Promise<void> | undefined;
  const lifetime = new AbortController();

  function skip(kind: string, message: string): void {
    skipped += 1;
    if (!told.has(kind)) {
      told.add(kind);
      notify(`run ${run.info.id}: ${message}; further ones of this kind are only counted`, undefined, 'INVALID_EVENT');
    }
  }

  /** The JSON data of values, by key; what is none is left out. */
  function readValues(given: unknown, onMedia?: (key: string, value: unknown) => unknown): Map<string, Logged> {
    const read = new Map<string, Logged>();
    if (typeof given !== 'object' || given === null) {
      skip('values', 'values were left out that are no object');
      return read;
    }
    for (const key of Object.keys(given)) {
      try {
        const value: unknown = (given as Record<string, unknown>)[key];
        const seen = onMedia?.(key, value) ?? value;
        const text = jsonText(seen);
        if (text === undefined || (key.startsWith('_') && key !== '_timestamp')) {
          skip('value', `the value of ${JSON.stringify(key)} was left out: it is no data, or its key is reserved`);
        } else {
          read.set(key, { value: snapshot(seen), text });
        }
      } catch (error) {
        skip('value', `the value of ${JSON.stringify(key)} was left out: ${messageOf(error)}`);
      }
    }
    return read;
  }

  function resolveIn(step: number): (key: string, value: unknown) => unknown {
    return (key, value) => {
      const found = Array.isArray(value) ? imagesOf(value) : isMedia(value) ? value : undefined;
      if (found === undefined) {
        return undefined;
      }
      const resolved = resolveMedia(found, { key, step, runId: run.info.id, salt });
      media.files.push(...resolved.files);
      media.artifacts.push(...resolved.artifacts);
      return resolved.value;
    };
  }

  function emit(): void {
    const { state } = run;
    const given = open.get('_timestamp')?.value;
    const at = typeof given === 'number' && Number.isFinite(given) ? given * 1000 : clock.now();
    open.delete('_timestamp');
    if (open.size === 0) {
      return;
    }
    const row: (number | string)[] = [];
    for (const [key, { value, text }] of open) {
      row.push(text);
      summarize(key, value);
    }
    row.push(at, 0, 0);
    const shape = book.of([...open.keys()]);
    stampRows(state, [shape], row);
    shapes.push(shape);
    values.push(...row);
    stampChanges(state, at, changes);
    changed = true;
    open.clear();
  }

  function summarize(key: string, value: unknown): void {
    const kinds = run.info.metrics.find(({ name }) => name === key)?.summary ?? [];
    if (kinds.length === 0) {
      changes.set(key, merged(changes.has(key) ? changes.get(key) : run.state.summary.get(key), value));
    } else if (typeof value === 'number') {
      const figure = addFigure(figures.get(key), value);
      figures.set(key, figure);
      if (!kinds.includes('none')) {
        changes.set(key, summaryOf(kinds, figure));
      }
    }
  }

  function hasWork(): boolean {
    return batch !== undefined || changed || shapes.length > 0 || media.files.length > 0 || media.artifacts.length > 0;
  }

  /** At once the first time, and then at the service's rhythm. */
  function schedule(delayMs = Math.max(0, sentAt + paceMs - clock.monotonic())): void {
    if (timer !== undefined && shapes.length < maxWaitingRows) {
      return;
    }
    clock.clearTimeout(timer);
    const next = clock.setTimeout(
      () => {
        timer = undefined;
        sendNow().catch((error) => {
          if (shapes.length > maxHeldRows) {
            run.giveUp(messageOf(error));
          }
          const { retryAfterMs = paceMs } = error as { retryAfterMs?: number };
          schedule(retryAfterMs);
        });
      },
      shapes.length >= maxWaitingRows ? 0 : delayMs,
    );
    next.unref?.();
    timer = next;
  }

  function sendNow(signal: AbortSignal = lifetime.signal): Promise<void> {
    sending ??= send(signal).finally(() => {
      sending = undefined;
    });
    return sending;
  }

  async function send(signal: AbortSignal): Promise<void> {
    await sendMedia(signal);
    sentAt = clock.monotonic();
    const current = takeBatch();
    if (current !== undefined) {
      await run.append(current, signal);
      batch = undefined;
    }
    if (hasWork()) {
      schedule();
    }
  }

  function takeBatch(): Batch | undefined {
    if (batch === undefined && (shapes.length > 0 || changed)) {
      batch = createBatch(run.state, { shapes, values }, changes);
      shapes = [];
      values = [];
      changes = new Map(changes);
      changed = false;
    }
    return batch;
  }

  /** Pictures and tables; one that is refused is left out, and nothing else with it. */
  async function sendMedia(signal: AbortSignal): Promise<void> {
    const { files, artifacts } = media;
    media = { files: [], artifacts: [] };
    try {
      if (files.length > 0) {
        await own('a file', () => run.putFiles(files, signal));
        files.length = 0;
      }
      while (artifacts.length > 0) {
        await own('a table', () => run.putArtifact(artifacts[0] as Artifact, signal));
        artifacts.shift();
      }
    } catch (error) {
      media = { files: [...files, ...media.files], artifacts: [...artifacts, ...media.artifacts] };
      throw error;
    }
  }

  async function own(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AnalyticsError) || error.code !== 'EVENTS_REJECTED') {
        throw error;
      }
      skip('upload', `${what} was refused: ${error.message}`);
    }
  }

  /** Tries again what may succeed then. */
  async function insist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        const { retryAfterMs } = error as { retryAfterMs?: number };
        if (failureOf(error) === undefined || isRefused(error) || signal.aborted || retryAfterMs === undefined) {
          throw named(error, 'wandb');
        }
        await pause(clock, retryAfterMs, signal);
      }
    }
  }

  async function flush(signal: AbortSignal): Promise<void> {
    while (sending !== undefined || hasWork()) {
      await sendNow(signal);
    }
  }

  async function finish(exitCode: number, timeoutMs: number): Promise<void> {
    clock.clearTimeout(timer);
    emit();
    stampChanges(run.state, clock.now(), changes);
    changed = true;
    const deadline = new AbortController();
    const late = clock.setTimeout(() => {
      deadline.abort(new Error(`not within ${timeoutMs} ms`));
      lifetime.abort(deadline.signal.reason);
    }, timeoutMs);
    const { signal } = deadline;
    const end = async (): Promise<void> => {
      await sending?.catch(() => {});
      await sendMedia(signal);
      await run.finish(exitCode, takeBatch(), signal);
    };
    try {
      await insist(end, signal);
    } catch (error) {
      // What the service does not take in time must not be lost with the process.
      run.giveUp(messageOf(error));
      await sendMedia(new AbortController().signal);
      await run.finish(exitCode, takeBatch());
    } finally {
      clock.clearTimeout(late);
      clock.clearTimeout(timer);
      await run.release();
      onFinished();
    }
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
      return skipped;
    },
    log(given, { step, commit } = {}) {
      if (finishing !== undefined) {
        skip('late', 'values were left out that came after the end');
        return;
      }
      const { state } = run;
      if (step !== undefined) {
        if (!Number.isSafeInteger(step) || step < state.step) {
          skip('step', `values of step ${step} were left out: the run is at step ${state.step} already`);
          return;
        }
        if (step > state.step) {
          emit();
          state.step = step;
        }
      }
      for (const [key, value] of readValues(given, resolveIn(state.step))) {
        open.set(key, value);
      }
      if (commit ?? step === undefined) {
        emit();
      }
      if (hasWork()) {
        schedule();
      }
    },
    setSummary(given) {
      for (const [key, value] of Object.entries(given)) {
        if (value === undefined) {
          changes.set(key, undefined);
        }
      }
      const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      for (const [key, { value }] of readValues(kept)) {
        changes.set(key, value);
      }
      changed = true;
      schedule();
    },
    defineMetric(name, { stepMetric, hidden = false, summary = [] } = {}) {
      const { metrics } = run.info;
      const others = metrics.filter((metric) => metric.name !== name);
      const axis: MetricDefinition[] =
        stepMetric === undefined || others.some((metric) => metric.name === stepMetric)
          ? []
          : [{ name: stepMetric, stepMetric: undefined, hidden: false, summary: [] }];
      run.describe({ metrics: [...others, ...axis, { name, stepMetric, hidden, summary: [...summary] }] });
      changed = true;
      schedule();
    },
    updateConfig(given) {
      const read = Array.from(readValues(given), ([key, { value }]) => [key, value] as const);
      run.describe({ config: { ...run.info.config, ...Object.fromEntries(read) } });
      changed = true;
      schedule();
    },
    setTags(tags) {
      run.describe({ tags: [...new Set(tags.map((tag) => String(tag).slice(0, maxTag)).filter((tag) => tag !== ''))] });
      changed = true;
      schedule();
    },
    saveFile(name, content) {
      const file: RunFile = { name, content: content instanceof Uint8Array ? Uint8Array.from(content) : content };
      return insist(() => run.putFiles([file], lifetime.signal), lifetime.signal);
    },
    async logArtifact(input) {
      const message = artifactNameProblem(input.name) ?? artifactTypeProblem(input.type);
      if (message !== undefined) {
        const problems = [{ field: 'artifact', message }];
        throw new AnalyticsError('INVALID_EVENT', `artifact: ${message}`, { problems });
      }
      const artifact = await prepareArtifact(input, `${run.info.id} ${randomName(32)}`);
      await insist(() => run.putArtifact(artifact, lifetime.signal), lifetime.signal);
    },
    alert: (alert) => insist(() => run.alert(alert, lifetime.signal), lifetime.signal),
    async flush() {
      try {
        await flush(lifetime.signal);
      } catch (error) {
        throw named(error, 'wandb');
      }
    },
    finish({ exitCode = 0, timeoutMs = finishTimeoutMs } = {}) {
      finishing ??= finish(exitCode, timeoutMs);
      return finishing;
    },
    [Symbol.asyncDispose]: () => client.finish(),
  };
  return client;
}

/** A value and its JSON text. */
interface Logged {
  readonly value: unknown;
  readonly text: string;
}

const maxShapes = 1_000;

/** The shapes of rows that a program logs: few of them, again and again. */
function createShapeBook(): { of(keys: readonly string[]): Shape } {
  const shapes = new Map<string, Shape>();
  return {
    of(keys) {
      const name = keys.join('\0');
      let shape = shapes.get(name);
      if (shape === undefined) {
        shape = shapeOf([...keys, ...stampKeys]);
        if (shapes.size >= maxShapes) {
          shapes.clear();
        }
        shapes.set(name, shape);
      }
      return shape;
    },
  };
}

/** A copy of plain data that later changes do not reach. */
function snapshot(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return snapshot(value.toJSON());
  }
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
    return Array.from(value as Iterable<unknown>, snapshot);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, snapshot(item)]));
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
