import type { Clock } from '@toolweaver/analytics-core';
import { addText, type Batch, endRow, newRows } from '../encoding/batch.ts';
import { isPlain, keptOf, merged, stampChanges, stampRow } from '../encoding/run-state.ts';
import { jsonText } from '../json-text.ts';
import { addFigure, type Figures, figuresIn, summaryOf } from '../metric-definition.ts';
import type { Run } from '../run/run.ts';
import { dig } from '../service/operations.ts';
import { createShapeBook, type Logged } from './logged.ts';

/** Logged rows and summary values that have not been sent yet. */
export interface LoggedRows {
  /** Number of complete rows. */
  readonly count: number;
  readonly hasWork: boolean;
  /** Adds values to the open row. */
  add(values: ReadonlyMap<string, Logged>): void;
  /** Completes the open row, unless it is empty and `evenEmpty` is not set. */
  endRow(evenEmpty?: boolean): void;
  /** Undefined removes the value from the summary. */
  setSummary(key: string, value: unknown): void;
  /** Marks a change of the run that has no row, so that it is sent. */
  touch(): void;
  /** Completes the open row, and records the end of the run in the summary. */
  end(): void;
  /** Takes everything out, as a batch; undefined if nothing has changed. */
  take(): Batch | undefined;
}

export function createLoggedRows(run: Run, clock: Clock): LoggedRows {
  const open = new Map<string, Logged>();
  const book = createShapeBook();
  const figures = new Map<string, Figures>();
  /** The summary that an existing run had at the start. */
  const earlier = new Map(run.state.summary);
  /** The last value of each step metric, and its path in a row. */
  const lastSteps = new Map<string, { readonly path: readonly string[]; readonly value: unknown }>();
  let rows = newRows();
  let changes = new Map<string, unknown>();
  let changed = false;

  /** What the earlier summary has of the metric: under its name, or nested, along the dots in its name. */
  function earlierOf(metric: string): unknown {
    const [key = '', ...rest] = metric.split('.');
    return earlier.get(metric) ?? dig(earlier.get(key), ...rest);
  }

  /** What the summary keeps of a metric that is defined with summary kinds; undefined for any other. */
  function figuresOf(metric: string, value: unknown): { readonly value: unknown } | undefined {
    const kinds = run.info.metrics.find(({ name }) => name === metric)?.summary ?? [];
    if (kinds.length === 0) {
      return undefined;
    }
    if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') {
      return { value: undefined };
    }
    const figure = addFigure(figures.get(metric) ?? figuresIn(earlierOf(metric)), value);
    figures.set(metric, figure);
    return { value: kinds.includes('none') ? undefined : summaryOf(kinds, figure) };
  }

  function summarize(key: string, value: unknown): void {
    const own = figuresOf(key, value);
    const kept = own === undefined ? keptOf(key, value, figuresOf) : own.value;
    if (kept !== undefined) {
      const before = own === undefined && (changes.has(key) ? changes.get(key) : run.state.summary.get(key));
      changes.set(key, merged(before, kept));
    }
  }

  /** Where the open row has the metric: under its name, or nested, along the dots in its name. */
  function pathOf(metric: string): readonly string[] | undefined {
    const nested = metric.split('.');
    return [[metric], nested].find((path) => valueAt(path) !== undefined);
  }

  function valueAt([key = '', ...rest]: readonly string[]): unknown {
    return dig(open.get(key)?.value, ...rest);
  }

  /** Like the Python client, adds missing step metrics to the row, with their last value, or 0. */
  function addSteps(): void {
    const missing = new Set<string>();
    for (const { name, stepMetric } of run.info.metrics) {
      // Every row has the service's own keys, which begin with an underscore.
      if (stepMetric === undefined || stepMetric.startsWith('_')) {
        continue;
      }
      const path = pathOf(stepMetric);
      const value = path && valueAt(path);
      if (path && (typeof value === 'number' || typeof value === 'bigint')) {
        lastSteps.set(stepMetric, { path, value });
      }
      if (path === undefined && pathOf(name) !== undefined) {
        missing.add(stepMetric);
      }
    }
    for (const stepMetric of missing) {
      const before = earlierOf(stepMetric);
      const first = { path: stepMetric.split('.'), value: typeof before === 'number' ? before : 0 };
      const { path, value } = lastSteps.get(stepMetric) ?? first;
      const [key = '', ...rest] = path;
      const given = open.get(key)?.value;
      // A value that is no object is not replaced by one.
      if (given === undefined || isPlain(given)) {
        const step = rest.reduceRight((inner, part) => ({ [part]: inner }), value);
        const whole = merged(given, step);
        open.set(key, { value: whole, text: jsonText(whole) as string });
      }
    }
  }

  function complete(evenEmpty = false): void {
    const { state } = run;
    const given = open.get('_timestamp')?.value;
    const at = typeof given === 'number' && Number.isFinite(given) ? given * 1000 : clock.now();
    open.delete('_timestamp');
    if (open.size === 0 && !evenEmpty) {
      return;
    }
    addSteps();
    for (const [key, { value, text }] of open) {
      addText(rows, text);
      summarize(key, value);
    }
    endRow(rows, book.of([...open.keys()]), at);
    stampRow(state, rows, rows.numberCount);
    stampChanges(state, at, changes);
    changed = true;
    open.clear();
  }

  return {
    get count() {
      return rows.shapes.length;
    },
    get hasWork() {
      return changed;
    },
    add(values) {
      for (const [key, value] of values) {
        open.set(key, value);
      }
    },
    endRow: complete,
    setSummary(key, value) {
      changes.set(key, value);
    },
    touch() {
      changed = true;
    },
    end() {
      complete();
      stampChanges(run.state, clock.now(), changes);
      changed = true;
    },
    take() {
      if (!changed) {
        return undefined;
      }
      const batch = { rows, changes, summary: run.state.summary };
      rows = newRows();
      changes = new Map(changes);
      changed = false;
      return batch;
    },
  };
}
