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
import { type KeyBook, type Keys, keyPart } from './keys.ts';
import { addExecution, newTotal, summarize, sumOf, type Total, tokensOf, totalIn } from './total.ts';

/** What events of one run come to; nothing of it counts before `keep`. */
export interface Recording {
  readonly rows: readonly RecordedRow[];
  readonly changes: Map<string, unknown>;
  readonly artifacts: readonly ArtifactEvent[];
  /** Names of metrics that were logged with a step for the first time. */
  readonly stepped: readonly string[];
  /** The last of the run's own events, and of those that start it. */
  readonly run: RunEvent | undefined;
  readonly started: RunEvent | undefined;
  readonly firstFailure: { readonly prefix: string; readonly event: ExecutionEvent } | undefined;
}

export interface RecordedRow {
  readonly at: number;
  readonly keys: string[];
  readonly values: string[];
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
    const rows: RecordedRow[] = [];
    const changes = new Map<string, unknown>();
    const added = new Map<string, Total>();
    const artifacts: ArtifactEvent[] = [];
    const newlyStepped = new Set<string>();
    const open = logFrequency > 1 ? copyOf(window) : window;
    let run: RunEvent | undefined;
    let started: RunEvent | undefined;
    let firstFailure: Recording['firstFailure'];

    function put(row: RecordedRow, key: string, value: number | string | boolean): void {
      row.keys.push(key);
      row.values.push(typeof value === 'string' ? JSON.stringify(value) : `${value}`);
      changes.set(key, value);
    }

    function newRow(at: number): RecordedRow {
      const row = { at, keys: [], values: [] };
      rows.push(row);
      return row;
    }

    function count(prefix: string, event: ExecutionEvent): void {
      let total = added.get(prefix);
      if (total === undefined) {
        total = newTotal();
        added.set(prefix, total);
      }
      addExecution(total, event);
    }

    function addOne(event: ExecutionEvent, keys: Keys): void {
      const row = newRow(event.at);
      const { latencyMs, error, cost, usage, weight, version, model, cacheHit } = event;
      row.keys.push(keys.status);
      row.values.push(event.success ? success : failure);
      changes.set(keys.status, event.success ? 'success' : 'failure');
      if (latencyMs !== undefined) {
        put(row, keys.duration, latencyMs / 1000);
      }
      if (error !== undefined) {
        put(row, keys.error, describe(error));
      }
      if (cost !== undefined) {
        put(row, keys.cost, cost.nanoUsd / 1e9);
      }
      if (usage !== undefined) {
        put(row, keys.tokens, tokensOf(usage));
        putUsage(row, usage);
      }
      if (weight !== undefined && weight !== 1) {
        put(row, keys.weight, weight);
      }
      if (version !== undefined) {
        put(row, keys.version, version);
      }
      if (model !== undefined && model !== event.name) {
        put(row, keys.model, model);
      }
      if (cacheHit !== undefined) {
        put(row, keys.cacheHit, cacheHit);
      }
    }

    function putUsage(row: RecordedRow, usage: Usage): void {
      put(row, 'tokens/input', usage.inputTokens);
      put(row, 'tokens/cache_read', usage.cacheReadTokens);
      put(row, 'tokens/cache_write', usage.cacheWriteTokens);
      put(row, 'tokens/output', usage.outputTokens);
      put(row, 'tokens/reasoning', usage.reasoningTokens);
      put(row, 'tokens/total', tokensOf(usage));
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
      const row = newRow(at);
      for (const { keys, total, error } of open.totals.values()) {
        put(row, keys.operations, total.operations);
        put(row, keys.failures, total.failures);
        put(row, keys.status, total.failures === 0 ? 'success' : 'failure');
        if (total.timed > 0) {
          put(row, keys.duration, total.latencyMs / 1000 / total.timed);
        }
        if (error !== undefined) {
          put(row, keys.error, describe(error));
        }
        if (total.nanoUsd !== null) {
          put(row, keys.cost, total.nanoUsd / 1e9);
        }
        if (total.tokens !== null) {
          put(row, keys.tokens, total.tokens);
        }
      }
      if (open.usage !== undefined) {
        putUsage(row, open.usage);
      }
      open.count = 0;
      open.totals.clear();
      open.usage = undefined;
    }

    function addExecutionEvent(event: ExecutionEvent): void {
      const keys = book.of(event.kind, event.name);
      count('', event);
      count(keys.prefix, event);
      if (event.version !== undefined) {
        count(`${keys.prefix}@${keyPart(event.version)}`, event);
      }
      if (!event.success) {
        firstFailure ??= { prefix: keys.prefix, event };
      }
      if (logFrequency === 1) {
        addOne(event, keys);
      } else {
        addToWindow(event, keys);
      }
    }

    function addToolkit({ at, toolkit, operation, durationMs, success, error }: ToolkitEvent): void {
      const prefix = `toolkit/${keyPart(toolkit)}/${operation}`;
      const row = newRow(at);
      put(row, `${prefix}/status`, success ? 'success' : 'failure');
      put(row, `${prefix}/duration`, durationMs / 1000);
      if (error !== undefined) {
        put(row, `${prefix}/error`, describe(error));
      }
    }

    function addMetrics({ at, values, step }: MetricsEvent): void {
      const row = newRow(at);
      for (const [name, value] of Object.entries(values)) {
        const key = name.startsWith('_') ? `metrics/${name}` : name;
        put(row, key, value);
        if (step !== undefined && !stepped.has(key) && stepped.size + newlyStepped.size < maxStepped) {
          newlyStepped.add(key);
        }
      }
      if (step !== undefined) {
        put(row, stepKey, step);
      }
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
            return put(newRow(event.at), `skill/${keyPart(event.skillId)}/rating`, event.rating);
          case 'health':
            return put(newRow(event.at), `skill/${keyPart(event.skillId)}/health`, event.score);
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
        for (const [prefix, total] of added) {
          // What an earlier process counted is in the summary that it left.
          const sum = sumOf(totals.get(prefix) ?? totalIn(summary, prefix), total);
          sums.set(prefix, sum);
          summarize(prefix, sum, changes);
        }
        const recording: FullRecording = {
          rows,
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

function addUsage(before: Usage | undefined, usage: Usage, weight: number): Usage {
  return {
    inputTokens: (before?.inputTokens ?? 0) + usage.inputTokens * weight,
    cacheReadTokens: (before?.cacheReadTokens ?? 0) + usage.cacheReadTokens * weight,
    cacheWriteTokens: (before?.cacheWriteTokens ?? 0) + usage.cacheWriteTokens * weight,
    outputTokens: (before?.outputTokens ?? 0) + usage.outputTokens * weight,
    reasoningTokens: (before?.reasoningTokens ?? 0) + usage.reasoningTokens * weight,
  };
}

function describe({ type, message }: ErrorInfo): string {
  return message === undefined ? type : `${type}: ${message}`;
}
