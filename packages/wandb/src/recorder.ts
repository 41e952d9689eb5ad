import type {
  AnalyticsEvent,
  ArtifactEvent,
  ExecutionEvent,
  MetricsEvent,
  RunEvent,
  ToolkitEvent,
  Usage,
} from '@toolweaver/analytics-core';
import { type Shape, shapeOf } from './batch.ts';
import { has, type KeyBook, type Keys, keyPart } from './keys.ts';
import { stampKeys } from './run-state.ts';
import { countVersion, newTally, setLasts, type Tally } from './tally.ts';
import {
  addExecution,
  describeError,
  newTotal,
  summarize,
  sumOf,
  type Total,
  tokensOf,
  totalIn,
  usageFields,
} from './total.ts';
import { addToWindow, copyOf, newWindow, takeFields, type Window } from './window.ts';

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

interface Draft {
  add(event: AnalyticsEvent): void;
  /** @param summary what the run's summary is. `closeAt`: makes a row of what makes no whole one. */
  done(summary: ReadonlyMap<string, unknown>, closeAt?: number): Recording;
}

interface FullRecording extends Recording {
  /** With what was kept before. */
  readonly totals: ReadonlyMap<string, Total>;
  readonly window: Window;
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
        tally = newTally(keys, event);
        tallies[keys.index] = tally;
      }
      return tally;
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
        values.push(JSON.stringify(describeError(error)));
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

    function closeWindow(at: number): void {
      addRow(at, takeFields(open));
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
        addToWindow(open, keys, event);
        if (open.count >= logFrequency) {
          closeWindow(event.at);
        }
      }
    }

    function addToolkit({ at, toolkit, operation, durationMs, success: isSuccess, error }: ToolkitEvent): void {
      const prefix = `toolkit/${keyPart(toolkit)}/${operation}`;
      addRow(at, [
        [`${prefix}/status`, isSuccess ? 'success' : 'failure'],
        [`${prefix}/duration`, durationMs / 1000],
        ...(error === undefined ? [] : [[`${prefix}/error`, describeError(error)] as const]),
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
      if (event.state === 'started') {
        started = started === undefined ? event : continued(started, event);
      }
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
              setLasts(tally, changes);
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

/** What begins with an underscore is the service's own. */
function metricKey(name: string): string {
  return name.startsWith('_') ? `metrics/${name}` : name;
}

/** A later start, as a parameter is told by, says what has changed; the rest stays. */
function continued({ name, project, config, tags }: RunEvent, later: RunEvent): RunEvent {
  return {
    ...later,
    name: later.name ?? name,
    project: later.project ?? project,
    config: later.config === undefined ? config : { ...config, ...later.config },
    tags: later.tags ?? tags,
  };
}
