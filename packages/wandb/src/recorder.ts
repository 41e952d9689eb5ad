import type {
  AnalyticsEvent,
  ArtifactEvent,
  ErrorInfo,
  ExecutionEvent,
  MetricsEvent,
  RunEvent,
  ToolkitEvent,
  Usage,
} from '@toolweaver/analytics-core';
import { type Shape, shapeOf } from './batch.ts';
import { has, type KeyBook, type Keys, keyPart, usageKeys } from './keys.ts';
import { stampKeys } from './run-state.ts';
import { addExecution, newTotal, summarize, sumOf, type Total, tokensOf, totalIn } from './total.ts';

/** What events of one run come to; nothing of it counts before `keep`. */
export interface Recording {
  /** Rows that have no number yet. */
  readonly shapes: readonly Shape[];
  readonly values: (number | string)[];
  /** Time of the last row, in Unix ms. */
  readonly lastAt: number | undefined;
  readonly changes: Map<string, unknown>;
  readonly artifacts: readonly ArtifactEvent[];
  /** Names of metrics that were logged with a step for the first time. */
  readonly stepped: readonly string[];
  /** The last of the run's own events, and of those that start it. */
  readonly run: RunEvent | undefined;
  readonly started: RunEvent | undefined;
  readonly firstFailure: { readonly prefix: string; readonly event: ExecutionEvent } | undefined;
}

/** Turns the events of one run into rows and a summary. */
export interface Recorder {
  begin(): Draft;
  /** What is left of operations that make no whole row yet. */
  rest(at: number): Recording | undefined;
  keep(recording: Recording): void;
}

export interface Draft {
  add(event: AnalyticsEvent): void;
  /** @param summary what the run's summary is. `closeAt`: makes a row of what makes no whole one. */
  done(summary: ReadonlyMap<string, unknown>, closeAt?: number): Recording;
}

/** Operations of one row. */
interface Window {
  count: number;
  readonly totals: Map<string, { readonly keys: Keys; readonly total: Total; error: ErrorInfo | undefined }>;
  usage: Usage | undefined;
}

interface FullRecording extends Recording {
  /** With what was kept before. */
  readonly totals: ReadonlyMap<string, Total>;
  readonly window: Window;
}

/** What a draft knows of one kind and name: its total, and the last of each field. */
interface Tally {
  readonly keys: Keys;
  readonly total: Total;
  versions: Map<string, Total> | undefined;
  last: ExecutionEvent;
  lastLatencyMs: number | undefined;
  lastError: ErrorInfo | undefined;
  lastNanoUsd: number | undefined;
  lastTokens: number | undefined;
  lastWeight: number | undefined;
  lastVersion: string | undefined;
  lastModel: string | undefined;
  lastCacheHit: boolean | undefined;
}

export const stepKey = 'metrics/step';
/** Definitions make the configuration larger, which is sent whole. */
const maxStepped = 1_000;

const success = '"success"';
const failure = '"failure"';

export function createRecorder(book: KeyBook, logFrequency: number): Recorder {
  const totals = new Map<string, Total>();
  const stepped = new Set<string>();
  let window = newWindow();

  function begin(): Draft {
    const shapes: Shape[] = [];
    const values: (number | string)[] = [];
    let lastAt: number | undefined;
    const changes = new Map<string, unknown>();
    const overall = newTotal();
    /** By the index of their keys. */
    const tallies: (Tally | undefined)[] = [];
    const artifacts: ArtifactEvent[] = [];
    const newlyStepped = new Set<string>();
    const open = logFrequency > 1 ? copyOf(window) : window;
    let lastUsage: Usage | undefined;
    let run: RunEvent | undefined;
    let started: RunEvent | undefined;
    let firstFailure: Recording['firstFailure'];

    /** A row of these values, which are the last ones of their keys. */
    function addRow(at: number, fields: readonly (readonly [key: string, value: number | string])[]): void {
      for (const [key, value] of fields) {
        values.push(typeof value === 'number' ? value : JSON.stringify(value));
        changes.set(key, value);
      }
      endRow(at, shapeOf([...fields.map(([key]) => key), ...stampKeys]));
    }

    function endRow(at: number, shape: Shape): void {
      values.push(at, 0, 0);
      shapes.push(shape);
      lastAt = at;
    }

    function tallyOf(keys: Keys, event: ExecutionEvent): Tally {
      let tally = tallies[keys.index];
      if (tally === undefined) {
        tally = {
          keys,
          total: newTotal(),
          versions: undefined,
          last: event,
          lastLatencyMs: undefined,
          lastError: undefined,
          lastNanoUsd: undefined,
          lastTokens: undefined,
          lastWeight: undefined,
          lastVersion: undefined,
          lastModel: undefined,
          lastCacheHit: undefined,
        };
        tallies[keys.index] = tally;
      }
      return tally;
    }

    function countVersion(tally: Tally, version: string, event: ExecutionEvent): void {
      tally.versions ??= new Map();
      let total = tally.versions.get(version);
      if (total === undefined) {
        total = newTotal();
        tally.versions.set(version, total);
      }
      addExecution(total, event);
    }

    /** The row of one execution. Every field is looked at once: this runs for each of them. */
    function addOne(event: ExecutionEvent, tally: Tally): void {
      const { latencyMs, error, cost, usage, weight, version, model, cacheHit } = event;
      values.push(event.success ? success : failure);
      let fields = 0;
      tally.last = event;
      if (latencyMs !== undefined) {
        fields |= has.duration;
        tally.lastLatencyMs = latencyMs;
        values.push(latencyMs / 1000);
      }
      if (error !== undefined) {
        fields |= has.error;
        tally.lastError = error;
        values.push(JSON.stringify(describe(error)));
      }
      if (cost !== undefined) {
        fields |= has.cost;
        tally.lastNanoUsd = cost.nanoUsd;
        values.push(cost.nanoUsd / 1e9);
      }
      if (usage !== undefined) {
        fields |= has.usage;
        const sum = tokensOf(usage);
        tally.lastTokens = sum;
        lastUsage = usage;
        const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
        values.push(sum, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens, sum);
      }
      if (weight !== undefined && weight !== 1) {
        fields |= has.weight;
        tally.lastWeight = weight;
        values.push(weight);
      }
      if (version !== undefined) {
        fields |= has.version;
        tally.lastVersion = version;
        values.push(JSON.stringify(version));
      }
      if (model !== undefined && model !== event.name) {
        fields |= has.model;
        tally.lastModel = model;
        values.push(JSON.stringify(model));
      }
      if (cacheHit !== undefined) {
        fields |= has.cacheHit;
        tally.lastCacheHit = cacheHit;
        values.push(String(cacheHit));
      }
      endRow(event.at, tally.keys.shape(fields));
    }

    function setLasts({ keys, last, ...lasts }: Tally): void {
      const set = (key: string, value: unknown): void => {
        if (value !== undefined) {
          changes.set(key, value);
        }
      };
      set(keys.status, last.success ? 'success' : 'failure');
      set(keys.duration, lasts.lastLatencyMs === undefined ? undefined : lasts.lastLatencyMs / 1000);
      set(keys.error, lasts.lastError === undefined ? undefined : describe(lasts.lastError));
      set(keys.cost, lasts.lastNanoUsd === undefined ? undefined : lasts.lastNanoUsd / 1e9);
      set(keys.tokens, lasts.lastTokens);
      set(keys.weight, lasts.lastWeight);
      set(keys.version, lasts.lastVersion);
      set(keys.model, lasts.lastModel);
      set(keys.cacheHit, lasts.lastCacheHit);
    }

    function addToWindow(event: ExecutionEvent, keys: Keys): void {
      let entry = open.totals.get(keys.prefix);
      if (entry === undefined) {
        entry = { keys, total: newTotal(), error: undefined };
        open.totals.set(keys.prefix, entry);
      }
      addExecution(entry.total, event);
      entry.error = event.error ?? entry.error;
      open.usage = event.usage === undefined ? open.usage : addUsage(open.usage, event.usage, event.weight ?? 1);
      open.count += 1;
      if (open.count >= logFrequency) {
        closeWindow(event.at);
      }
    }

    function closeWindow(at: number): void {
      const fields: (readonly [string, number | string])[] = [];
      for (const { keys, total, error } of open.totals.values()) {
        const { operations, failures, timed, latencyMs, nanoUsd, tokens } = total;
        fields.push([keys.operations, operations], [keys.failures, failures]);
        fields.push([keys.status, failures === 0 ? 'success' : 'failure']);
        if (timed > 0) {
          fields.push([keys.duration, latencyMs / 1000 / timed]);
        }
        if (error !== undefined) {
          fields.push([keys.error, describe(error)]);
        }
        if (nanoUsd !== null) {
          fields.push([keys.cost, nanoUsd / 1e9]);
        }
        if (tokens !== null) {
          fields.push([keys.tokens, tokens]);
        }
      }
      if (open.usage !== undefined) {
        fields.push(...usageFields(open.usage));
      }
      addRow(at, fields);
      open.count = 0;
      open.totals.clear();
      open.usage = undefined;
    }

    function addExecutionEvent(event: ExecutionEvent): void {
      const keys = book.of(event.kind, event.name);
      const tally = tallyOf(keys, event);
      addExecution(overall, event);
      addExecution(tally.total, event);
      if (event.version !== undefined) {
        countVersion(tally, event.version, event);
      }
      if (!event.success) {
        firstFailure ??= { prefix: keys.prefix, event };
      }
      if (logFrequency === 1) {
        addOne(event, tally);
      } else {
        addToWindow(event, keys);
      }
    }

    function addToolkit({ at, toolkit, operation, durationMs, success: isSuccess, error }: ToolkitEvent): void {
      const prefix = `toolkit/${keyPart(toolkit)}/${operation}`;
      addRow(at, [
        [`${prefix}/status`, isSuccess ? 'success' : 'failure'],
        [`${prefix}/duration`, durationMs / 1000],
        ...(error === undefined ? [] : [[`${prefix}/error`, describe(error)] as const]),
      ]);
    }

    function addMetrics({ at, values: given, step }: MetricsEvent): void {
      const fields = Object.entries(given).map(([name, value]) => [metricKey(name), value] as const);
      if (step === undefined) {
        addRow(at, fields);
        return;
      }
      for (const [key] of fields) {
        if (!stepped.has(key) && stepped.size + newlyStepped.size < maxStepped) {
          newlyStepped.add(key);
        }
      }
      addRow(at, [...fields.filter(([key]) => key !== stepKey), [stepKey, step]]);
    }

    function addRun(event: RunEvent): void {
      run = event;
      started = event.state === 'started' ? event : started;
      changes.set('summary/state', event.state);
      for (const [key, value] of Object.entries(event.summary ?? {})) {
        changes.set(key.startsWith('_') ? `summary/${key}` : key, value);
      }
    }

    return {
      add(event) {
        switch (event.type) {
          case 'execution':
            return addExecutionEvent(event);
          case 'rating':
            return addRow(event.at, [[`skill/${keyPart(event.skillId)}/rating`, event.rating]]);
          case 'health':
            return addRow(event.at, [[`skill/${keyPart(event.skillId)}/health`, event.score]]);
          case 'toolkit':
            return addToolkit(event);
          case 'metrics':
            return addMetrics(event);
          case 'run':
            return addRun(event);
          case 'artifact':
            artifacts.push(event);
        }
      },
      done(summary, closeAt = run === undefined || run.state === 'started' ? undefined : run.at) {
        if (closeAt !== undefined && open.count > 0) {
          closeWindow(closeAt);
        }
        const sums = new Map<string, Total>();
        function addSum(prefix: string, total: Total): void {
          // What an earlier process counted is in the summary that it left.
          const sum = sumOf(totals.get(prefix) ?? totalIn(summary, prefix), total);
          sums.set(prefix, sum);
          summarize(prefix, sum, changes);
        }
        if (overall.operations > 0) {
          addSum('', overall);
        }
        for (const tally of tallies) {
          if (tally !== undefined) {
            const { keys, total, versions = [] } = tally;
            addSum(keys.prefix, total);
            for (const [version, ofVersion] of versions) {
              addSum(`${keys.prefix}@${keyPart(version)}`, ofVersion);
            }
            if (logFrequency === 1) {
              setLasts(tally);
            }
          }
        }
        if (lastUsage !== undefined) {
          for (const [key, value] of usageFields(lastUsage)) {
            changes.set(key, value);
          }
        }
        const recording: FullRecording = {
          shapes,
          values,
          lastAt,
          changes,
          artifacts,
          stepped: [...newlyStepped],
          run,
          started,
          firstFailure,
          totals: sums,
          window: open,
        };
        return recording;
      },
    };
  }

  return {
    begin,
    rest: (at) => (window.count === 0 ? undefined : begin().done(new Map(), at)),
    keep(recording) {
      const { totals: sums, window: reached, stepped: names } = recording as FullRecording;
      for (const [prefix, sum] of sums) {
        totals.set(prefix, sum);
      }
      for (const name of names) {
        stepped.add(name);
      }
      window = reached;
    },
  };
}

function newWindow(): Window {
  return { count: 0, totals: new Map(), usage: undefined };
}

function copyOf({ count, totals, usage }: Window): Window {
  const entries = [...totals].map(([prefix, entry]) => [prefix, { ...entry, total: { ...entry.total } }] as const);
  return { count, totals: new Map(entries), usage };
}

function usageFields(usage: Usage): (readonly [string, number])[] {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const numbers = [inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens, tokensOf(usage)];
  return usageKeys.map((key, at) => [key, numbers[at] as number]);
}

function addUsage(before: Usage | undefined, usage: Usage, weight: number): Usage {
  return {
    inputTokens: (before?.inputTokens ?? 0) + usage.inputTokens * weight,
    cacheReadTokens: (before?.cacheReadTokens ?? 0) + usage.cacheReadTokens * weight,
    cacheWriteTokens: (before?.cacheWriteTokens ?? 0) + usage.cacheWriteTokens * weight,
    outputTokens: (before?.outputTokens ?? 0) + usage.outputTokens * weight,
    reasoningTokens: (before?.reasoningTokens ?? 0) + usage.reasoningTokens * weight,
  };
}

/** What begins with an underscore is the service's own. */
function metricKey(name: string): string {
  return name.startsWith('_') ? `metrics/${name}` : name;
}

function describe({ type, message }: ErrorInfo): string {
  return message === undefined ? type : `${type}: ${message}`;
}
